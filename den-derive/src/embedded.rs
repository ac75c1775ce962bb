//! What `#[derive(Embedded)]` expands to, for structs with named fields.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Data, DeriveInput, Fields, FieldsNamed};

use crate::{
    den_attrs::{DenContainer, Derive},
    embedded_leaf::{self, Inner},
    errors::Errors,
    fields,
    handles::Handles,
    indexes,
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
        let expansion = embedded_leaf::leaf(input, &container.krate, &Inner::Known(kind));
        return refuse_indexes(container, expansion, errors);
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
                let expansion = embedded_leaf::of_struct(input, fields, &container.krate, errors);
                refuse_indexes(container, expansion, errors)
            }
        },
        Data::Enum(data) => {
            let expansion = embedded_leaf::of_enum(input, data, serde, &container.krate, errors);
            refuse_indexes(container, expansion, errors)
        }
        Data::Union(_) => {
            errors.push(&input.ident, "serde cannot store a union");
            TokenStream::new()
        }
    }
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
    let handles = Handles {
        krate,
        owner: name,
        document: quote!(__D),
        fields: &fields,
    };
    if handles.is_empty() {
        return embedded_leaf::leaf(input, krate, &Inner::Known(Kind::Object));
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
                #describe
                #indexes
            }
        }
        #[automatically_derived]
        impl #krate::Embedded for #name {}
    }
}
