//! What `#[derive(Document)]` expands to.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote, quote_spanned};
use syn::{Data, DeriveInput, Fields, FieldsNamed, Ident, ext::IdentExt, spanned::Spanned};

use crate::{
    den_attrs::{DenContainer, Derive},
    errors::Errors,
    fields::{self, Field, Stored},
    handles::Handles,
    holds, indexes,
    mixins::Mixins,
    names, search,
    serde_attrs::SerdeContainer,
    stored::respan,
    wire,
};

/// The fields struct, `fields()` and the implementation of `Document`.
///
/// With a mistake in an attribute these are there all the same, so that one mistake does not make
/// an error of each use of the type.
pub(crate) fn expand(input: &DeriveInput) -> TokenStream {
    let mut errors = Errors::default();
    let container = DenContainer::parse(&input.attrs, Derive::Document, &mut errors);
    let serde = SerdeContainer::parse(&input.attrs);
    refuse_other_forms(&serde, &mut errors);
    let Some(named) = errors.ok(named_fields(input)) else {
        return errors.into_tokens();
    };
    let name = &input.ident;
    let fields = fields::read(name, named, &serde, Derive::Document, &mut errors);
    let base = base_of(name, &fields, &mut errors);
    let collection = collection(name, &container, &mut errors);
    let mixins = Mixins::find(&fields, &mut errors);
    let holds = holds::of_fields(&container.krate, name, &fields, &mut errors);
    let indexes = indexes::describe(&fields, &container, Derive::Document, &mut errors);
    let searched = search::describe(&fields, &container, &mut errors);

    let krate = &container.krate;
    let handles = Handles {
        krate,
        owner: name,
        document: name.to_token_stream(),
        fields: &fields,
    };
    let vis = &input.vis;
    let definition = handles.definition(vis, &TokenStream::new());
    let fields_name = handles.ident();
    let (value, describe) = (handles.value(), handles.describe());
    let (base, base_mut) = match base {
        Some(base) => (quote!(&self.#base), quote!(&mut self.#base)),
        // The mistake is reported, so this is never run.
        None => (
            quote!(::core::unreachable!()),
            quote!(::core::unreachable!()),
        ),
    };
    let names = names::named(krate, name, &fields);
    let revision = container.revision;
    let abilities = abilities(name, &container);
    let (mixed_in, mixins_beside) = (mixins.items(krate), mixins.beside(krate, name));
    let describe_mixins = mixins.describe();
    let mistakes = errors.into_tokens();
    quote! {
        #mistakes
        #definition
        #[automatically_derived]
        impl #name {
            /// The fields, for filters and sorts.
            #[allow(dead_code)]
            #vis const fn fields() -> &'static #fields_name {
                #[allow(unreachable_code)]
                const FIELDS: &#fields_name = &{
                    let path = #krate::__private::Path::ROOT;
                    #value
                };
                FIELDS
            }
        }
        #holds
        #names
        #mixins_beside
        #[automatically_derived]
        impl #krate::Document for #name {
            const COLLECTION: &'static str = #collection;
            const REVISION: bool = #revision;
            #abilities
            #mixed_in
            type Fields = #fields_name;
            fn __fields() -> &'static #fields_name {
                Self::fields()
            }
            fn base(&self) -> &#krate::Base<Self> {
                #base
            }
            fn base_mut(&mut self) -> &mut #krate::Base<Self> {
                #base_mut
            }
            fn describe(schema: &mut #krate::__private::Schema) {
                let path = #krate::__private::Path::ROOT;
                #searched
                #describe
                #describe_mixins
                #indexes
            }
        }
    }
}

/// What the attributes of the struct ask for. An error about what is missing points at them.
fn abilities(name: &Ident, container: &DenContainer) -> TokenStream {
    let krate = &container.krate;
    let hooks = container.hooks.as_ref().map(|at| {
        let span = at.span();
        let owner = respan(name.to_token_stream(), span);
        let run = quote_spanned!(span=> #krate::__private::run_hook::<#owner>);
        let clone = quote_spanned!(span=> <#owner as ::core::clone::Clone>::clone);
        quote! {
            const HOOKS: bool = true;
            fn __run_hook<'a>(
                &'a mut self,
                hook: #krate::__private::Hook,
                cx: &'a #krate::HookContext,
            ) -> #krate::__private::BoxFuture<'a, #krate::Result<()>> {
                #run(self, hook, cx)
            }
            fn __backup(&self) -> ::core::option::Option<Self> {
                ::core::option::Option::Some(#clone(self))
            }
        }
    });
    let validate = container.validate.as_ref().map(|at| {
        let span = at.span();
        let owner = respan(name.to_token_stream(), span);
        let run = quote_spanned!(span=> #krate::__private::run_validation::<#owner>);
        quote! {
            const VALIDATED: bool = true;
            fn __validate(&self) -> #krate::Result<()> {
                #run(self)
            }
        }
    });
    quote!(#hooks #validate)
}

fn named_fields(input: &DeriveInput) -> syn::Result<&FieldsNamed> {
    let name = &input.ident;
    let wrap = format!("wrap it in one: `struct {name}Document {{ .. }}`");
    let refuse = |what: &str, hint: &str| {
        let message =
            format!("{what} cannot be a document, only a struct with named fields can: {hint}");
        Err(syn::Error::new_spanned(name, message))
    };
    let fields = match &input.data {
        Data::Enum(_) => {
            return refuse(
                "an enum",
                "derive `Embedded` for it and make it a field of one",
            );
        }
        Data::Union(_) => return refuse("a union", &wrap),
        Data::Struct(data) => &data.fields,
    };
    let named = match fields {
        Fields::Unnamed(_) => return refuse("a tuple struct", "give its fields names"),
        Fields::Unit => return refuse("a struct without fields", "give it a `Base` at least"),
        Fields::Named(named) => named,
    };
    if !input.generics.params.is_empty() {
        let message = format!(
            "a document cannot be generic, because a collection holds one type: write a struct \
             for each, or make the generic part a field with `#[den(kind = \"..\")]` (`{name}`)"
        );
        return Err(syn::Error::new_spanned(&input.generics, message));
    }
    Ok(named)
}

fn refuse_other_forms(serde: &SerdeContainer, errors: &mut Errors) {
    for at in [&serde.transparent, &serde.untagged, &serde.elsewhere]
        .into_iter()
        .flatten()
    {
        errors.push(
            at,
            "a document is stored field by field, so that den can find its fields; derive \
             `Serialize` and `Deserialize` without this",
        );
    }
}

/// The one field that is the `Base`; nothing, and a mistake reported, if there is none to use.
fn base_of<'a>(name: &Ident, fields: &'a [Field], errors: &mut Errors) -> Option<&'a Ident> {
    let mut bases = fields
        .iter()
        .filter(|it| matches!(it.stored, Stored::Base { .. }));
    let Some(first) = bases.next() else {
        errors.push(
            name,
            format!(
                "`{name}` has no `Base`, which holds its id: add this field\n\n    \
                 #[serde(flatten)]\n    base: Base<{name}>,"
            ),
        );
        return None;
    };
    for second in bases {
        let message = format!(
            "`{name}` has two ids: `{}` is a `Base` already, so leave this one out",
            first.ident
        );
        errors.push(&second.ident, message);
    }
    matches!(first.stored, Stored::Base { is_usable: true }).then_some(&first.ident)
}

fn collection(name: &Ident, container: &DenContainer, errors: &mut Errors) -> String {
    let Some(text) = &container.collection else {
        return name.unraw().to_string().to_lowercase();
    };
    let collection = text.value();
    if wire::complaint(&collection).is_some() {
        errors.push(
            text,
            "the name of a collection is not empty and holds no control character",
        );
    }
    collection
}

#[cfg(test)]
mod tests {
    use quote::quote;
    use syn::parse_quote;

    use super::*;
    use crate::testing::{assert_holds, messages};

    fn mistakes(input: &DeriveInput) -> Vec<String> {
        messages(&expand(input))
    }

    #[test]
    fn a_document_has_handles_under_stored_names() {
        let expansion = expand(&parse_quote! {
            #[den(crate = "crate", revision)]
            #[serde(rename_all = "camelCase")]
            pub(crate) struct Product {
                #[serde(flatten)] pub base: Base<Self>,
                pub unit_price: f64,
                category: Option<String>,
                address: Option<Box<Address>>,
                #[serde(with = "w")] when: Option<Time>,
                #[serde(skip)] cache: Cache,
            }
        });
        assert_eq!(messages(&expansion), Vec::<String>::new());
        for part in [
            quote!(pub(crate) struct ProductFields),
            quote!(pub base: crate::BaseFields<Product>,),
            quote!(pub unit_price: crate::Field<Product, f64>,),
            quote!(category: crate::Field<Product, String, crate::Nullable>,),
            quote!(address: <Address as crate::FieldType>::Handle<Product, crate::Nullable>,),
            quote!(when: crate::Field<Product, crate::Json, crate::Nullable>,),
            quote!(unit_price: crate::Field::__new(path.child("unitPrice"), crate::__private::FieldKind::Number)),
            quote!(
                const COLLECTION: &'static str = "product";
            ),
            quote!(
                const REVISION: bool = true;
            ),
            quote!(&self.base),
        ] {
            assert_holds(&expansion, &part);
        }
        assert!(!expansion.to_string().contains("cache"));
    }

    #[test]
    fn an_expansion_stays_small() {
        let expansion = expand(&parse_quote! {
            struct Product {
                #[serde(flatten)] base: Base<Product>,
                a: String, b: String, c: u8, d: f64, e: bool, f: Vec<u8>, g: Json, h: Address,
                #[den(index)] i: String,
            }
        });
        // A statement, field or signature is a line; so is what rustfmt puts on its own.
        let text = expansion.to_string();
        let lines = text.matches([';', ',', '{', '}']).count();
        assert!(lines < 250, "{lines}");
        assert!(text.len() < 6500, "{}", text.len());
    }

    #[test]
    fn mistakes_in_the_base_are_named() {
        let cases: [(DeriveInput, &str); 5] = [
            (parse_quote! { struct A { x: u8 } }, "has no `Base`"),
            (
                parse_quote! { struct A { base: Base<A> } },
                "#[serde(flatten)]",
            ),
            (
                parse_quote! { struct A { #[serde(flatten)] a: Base<A>, #[serde(flatten)] b: Base<A> } },
                "two ids",
            ),
            (
                parse_quote! { struct A { #[serde(flatten)] base: Base<B> } },
                "write `Base<A>`",
            ),
            (
                parse_quote! { struct A { #[serde(flatten)] base: Option<Base<A>> } },
                "write `Base<A>`",
            ),
        ];
        for (input, expected) in cases {
            let found = mistakes(&input);
            assert_eq!(found.len(), 1, "{found:?}");
            assert!(found[0].contains(expected), "{found:?}, not {expected:?}");
        }
    }

    #[test]
    fn all_mistakes_are_reported_together() {
        let found = mistakes(&parse_quote! {
            #[den(collection = "", colour)]
            struct A {
                #[den(indx)] x: u8,
                #[serde(rename = "x")] y: u8,
                #[serde(rename = "_id")] id: u8,
            }
        });
        assert_eq!(found.len(), 6, "{found:?}");
    }

    #[test]
    fn only_structs_with_named_fields_are_documents() {
        let cases: [(DeriveInput, &str); 6] = [
            (parse_quote! { enum A { B } }, "an enum"),
            (parse_quote! { union A { b: u8 } }, "a union"),
            (parse_quote! { struct A(u8); }, "a tuple struct"),
            (parse_quote! { struct A; }, "without fields"),
            (parse_quote! { struct A<T> { x: T } }, "cannot be generic"),
            (
                parse_quote! { struct A<'a> { x: &'a str } },
                "cannot be generic",
            ),
        ];
        for (input, expected) in cases {
            let found = mistakes(&input);
            assert!(found[0].contains(expected), "{found:?}, not {expected:?}");
        }
    }
}
