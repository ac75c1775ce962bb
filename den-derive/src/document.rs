//! What `#[derive(Document)]` expands to.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::{Data, DeriveInput, Fields, FieldsNamed, Ident, ext::IdentExt};

use crate::{
    den_attrs::{DenContainer, Derive},
    errors::Errors,
    fields::{self, Field, Stored},
    handles::Handles,
    indexes,
    serde_attrs::SerdeContainer,
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
    let indexes = indexes::describe(&fields, &container, Derive::Document, &mut errors);

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
    let revision = container.revision;
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
        #[automatically_derived]
        impl #krate::Document for #name {
            const COLLECTION: &'static str = #collection;
            const REVISION: bool = #revision;
            fn base(&self) -> &#krate::Base<Self> {
                #base
            }
            fn base_mut(&mut self) -> &mut #krate::Base<Self> {
                #base_mut
            }
            fn describe(schema: &mut #krate::__private::Schema) {
                let path = #krate::__private::Path::ROOT;
                #describe
                #indexes
            }
        }
    }
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

/// The one field that is the `Base`.
fn base_of<'a>(name: &Ident, fields: &'a [Field], errors: &mut Errors) -> Option<&'a Ident> {
    let mut bases = fields.iter().filter(|it| matches!(it.stored, Stored::Base));
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
    Some(&first.ident)
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
