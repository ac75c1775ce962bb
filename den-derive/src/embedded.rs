//! What `#[derive(Embedded)]` expands to, for structs with named fields.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Data, DataEnum, DeriveInput, Fields, FieldsNamed};

use crate::{
    den_attrs::{DenContainer, Derive},
    embedded_leaf::{self, Inner},
    errors::Errors,
    fields,
    handles::Handles,
    holds, indexes, names, search,
    serde_attrs::SerdeContainer,
    stored::Kind,
};

/// The fields struct and the implementations of `FieldType` and `Embedded`.
pub(crate) fn expand(input: &DeriveInput) -> TokenStream {
    let mut errors = Errors::default();
    let container = DenContainer::parse(&input.attrs, Derive::Embedded, &mut errors);
    let serde = SerdeContainer::parse(&input.attrs);
    let expansion = if input.generics.params.is_empty() {
        expand_type(input, &container, &serde, &mut errors)
    } else {
        errors.push(
            &input.generics,
            "an embedded type cannot be generic; say on the field what it is stored as: \
             `#[den(kind = \"object\")]`",
        );
        TokenStream::new()
    };
    let mistakes = errors.into_tokens();
    quote!(#mistakes #expansion)
}

fn expand_type(
    input: &DeriveInput,
    container: &DenContainer,
    serde: &SerdeContainer,
    errors: &mut Errors,
) -> TokenStream {
    if let Some(kind) = container.kind {
        let leaf = embedded_leaf::leaf(input, &container.krate, &Inner::Known(kind));
        let holds = holds_of_kind(input, container, serde, errors);
        return refuse_indexes(container, quote!(#leaf #holds), errors);
    }
    if let Some(at) = &serde.elsewhere {
        errors.push(
            at,
            "this type is stored in the form of another; say which kind that is: \
             `#[den(kind = \"text\")]` on this type",
        );
    }
    match &input.data {
        Data::Struct(data) => match &data.fields {
            Fields::Named(named) if serde.transparent.is_none() => {
                named_struct(input, named, container, serde, errors)
            }
            fields => {
                let krate = &container.krate;
                let leaf = embedded_leaf::of_struct(input, fields, krate, errors);
                let holds = holds::of_value(krate, input, fields, serde.elsewhere.is_none());
                refuse_indexes(container, quote!(#leaf #holds), errors)
            }
        },
        Data::Enum(data) => {
            let leaf = embedded_leaf::of_enum(input, data, serde, &container.krate, errors);
            let holds = holds_of_enum(input, data, container, serde, errors);
            refuse_indexes(container, quote!(#leaf #holds), errors)
        }
        Data::Union(_) => {
            errors.push(&input.ident, "serde cannot store a union");
            TokenStream::new()
        }
    }
}

/// A type that is said to be stored as something may have its own `Serialize`, so the names of its
/// fields tell nothing.
fn holds_of_kind(
    input: &DeriveInput,
    container: &DenContainer,
    serde: &SerdeContainer,
    errors: &mut Errors,
) -> TokenStream {
    match &input.data {
        Data::Struct(data) => {
            let is_found = serde.elsewhere.is_none() && !matches!(data.fields, Fields::Named(_));
            holds::of_value(&container.krate, input, &data.fields, is_found)
        }
        Data::Enum(data) => holds_of_enum(input, data, container, serde, errors),
        Data::Union(_) => TokenStream::new(),
    }
}

fn holds_of_enum(
    input: &DeriveInput,
    data: &DataEnum,
    container: &DenContainer,
    serde: &SerdeContainer,
    errors: &mut Errors,
) -> TokenStream {
    let dens = embedded_leaf::fields_of_enum(data, errors);
    let is_found = serde.elsewhere.is_none();
    holds::of_enum(&container.krate, input, data, &dens, serde, is_found)
}

fn refuse_indexes(
    container: &DenContainer,
    expansion: TokenStream,
    errors: &mut Errors,
) -> TokenStream {
    for index in &container.indexes {
        errors.push(
            index,
            "only a struct with named fields has fields to index; put `#[den(index)]` on the \
             fields that hold this type",
        );
    }
    expansion
}

fn named_struct(
    input: &DeriveInput,
    named: &FieldsNamed,
    container: &DenContainer,
    serde: &SerdeContainer,
    errors: &mut Errors,
) -> TokenStream {
    let name = &input.ident;
    let krate = &container.krate;
    let fields = fields::read(name, named, serde, Derive::Embedded, errors);
    let indexes = indexes::describe(&fields, container, Derive::Embedded, errors);
    let searched = search::describe(&fields, container, errors);
    let holds = holds::of_fields(krate, name, &fields, errors);
    let names = names::named(krate, name, &fields);
    let handles = Handles {
        krate,
        owner: name,
        document: quote!(__D),
        fields: &fields,
    };
    if handles.is_empty() {
        let leaf = embedded_leaf::leaf(input, krate, &Inner::Known(Kind::Object));
        return quote!(#leaf #holds #names);
    }
    let vis = &input.vis;
    let definition = handles.definition(vis, &quote!(<__D>));
    let fields_name = handles.ident();
    let (value, describe) = (handles.value(), handles.describe());
    quote! {
        #definition
        #[automatically_derived]
        impl #name {
            #[doc(hidden)]
            #vis const fn __den_at<__D, __N>(path: #krate::__private::Path) -> #fields_name<__D> {
                #value
            }
        }
        #[automatically_derived]
        impl #krate::FieldType for #name {
            type Handle<__D, __N> = #fields_name<__D>;
            const KIND: #krate::__private::FieldKind = #krate::__private::FieldKind::Object;
            fn handle<__D, __N>(path: #krate::__private::Path) -> #fields_name<__D> {
                Self::__den_at::<__D, __N>(path)
            }
            fn describe(schema: &mut #krate::__private::Schema, path: #krate::__private::Path) {
                #searched
                #describe
                #indexes
            }
        }
        #[automatically_derived]
        impl #krate::Embedded for #name {}
        #holds
        #names
    }
}

#[cfg(test)]
mod tests {
    use syn::parse_quote;

    use super::*;
    use crate::testing::{assert_holds, messages};

    fn kind(name: &str, input: &DeriveInput) {
        let expansion = expand(input);
        assert_eq!(messages(&expansion), Vec::<String>::new());
        let kind = Kind::parse(name).unwrap().tokens(&parse_quote!(::den));
        assert_holds(
            &expansion,
            &quote!(const KIND: ::den::__private::FieldKind = #kind;),
        );
    }

    #[test]
    fn types_of_one_value_are_stored_as_that() {
        kind("text", &parse_quote! { struct A(String); });
        kind("text", &parse_quote! { enum A { B } });
        kind(
            "number",
            &parse_quote! { #[serde(transparent)] struct A { b: u8 } },
        );
        kind("array", &parse_quote! { struct A(f64, f64); });
        kind(
            "any",
            &parse_quote! { struct A(#[serde(with = "x")] String); },
        );
        kind(
            "number",
            &parse_quote! { #[den(kind = "number")] #[serde(into = "u8")] enum A { B } },
        );
        kind("object", &parse_quote! { struct A {} });
        kind("object", &parse_quote! { struct A { b: u8 } });
        let expansion = expand(&parse_quote! { struct A(Inner); });
        assert_holds(&expansion, &quote!(= <Inner as ::den::FieldType>::KIND;));
    }

    #[test]
    fn a_struct_hands_its_path_on() {
        let expansion = expand(&parse_quote! {
            pub struct Address { #[den(index)] pub city: String, geo: Geo, #[serde(flatten)] more: More }
        });
        assert_eq!(messages(&expansion), Vec::<String>::new());
        for part in [
            quote!(pub struct AddressFields<__D>),
            quote!(pub city: ::den::Field<__D, String>),
            quote!(geo: <Geo>::__den_at::<__D, ::den::Required>(path.child("geo"))),
            quote!(more: <More>::__den_at::<__D, ::den::Required>(path)),
            quote!(<More as ::den::FieldType>::describe(schema, path);),
            quote!(paths: ::std::vec![(path.child("city"), ::den::__private::FieldKind::Text, ::den::__private::Direction::Asc)]),
            quote!(impl ::den::Embedded for Address),
        ] {
            assert_holds(&expansion, &part);
        }
    }

    #[test]
    fn what_would_be_without_effect_is_refused() {
        let cases: [(DeriveInput, &str); 8] = [
            (parse_quote! { struct A<T> { b: T } }, "cannot be generic"),
            (parse_quote! { struct A(#[den(index)] u8); }, "no effect"),
            (parse_quote! { enum A { #[den(index)] B } }, "no effect"),
            (
                parse_quote! { #[den(index(fields("a")))] enum A { B } },
                "fields to index",
            ),
            (
                parse_quote! { #[den(revision)] struct A { b: u8 } },
                "belongs on a document",
            ),
            (
                parse_quote! { #[serde(into = "u8")] struct A { b: u8 } },
                "the form of another",
            ),
            (
                parse_quote! { struct A { #[serde(flatten)] b: Base<A> } },
                "no id of its own",
            ),
            (parse_quote! { struct A; }, "nothing to store"),
        ];
        for (input, expected) in cases {
            let found = messages(&expand(&input));
            assert!(found[0].contains(expected), "{found:?}, not {expected:?}");
        }
    }
}
