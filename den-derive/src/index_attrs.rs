//! `index(..)` and `unique(..)` in `#[den(..)]`.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote};
use syn::{
    Ident, LitStr, Meta, Token,
    ext::IdentExt,
    parenthesized,
    parse::{Parse, ParseStream},
    punctuated::Punctuated,
    token,
};

use crate::{
    den_attrs::key_of,
    suggest::{did_you_mean, list},
};

/// `index` or `unique` on a field.
pub(crate) struct IndexOf {
    pub(crate) at: TokenStream,
    pub(crate) name: Option<LitStr>,
    pub(crate) with_deleted: Option<Ident>,
}

/// `index(fields(..))` or `unique(fields(..))` on a struct.
pub(crate) struct IndexOver {
    pub(crate) at: TokenStream,
    pub(crate) fields: Vec<IndexedField>,
    pub(crate) name: Option<LitStr>,
    pub(crate) unique: bool,
    pub(crate) with_deleted: Option<Ident>,
}

/// `"path"`, or `desc("path")`.
pub(crate) struct IndexedField {
    pub(crate) path: LitStr,
    pub(crate) descending: bool,
}

/// `index`, or `index(name = "..")`.
pub(crate) fn index_of(meta: &Meta) -> syn::Result<IndexOf> {
    let at = meta.to_token_stream();
    match meta {
        Meta::Path(_) => Ok(IndexOf {
            at,
            name: None,
            with_deleted: None,
        }),
        Meta::NameValue(pair) => {
            let key = key_of(meta);
            let message =
                format!("write `{key}`, or `{key}(name = \"..\")` for a name of your own");
            Err(syn::Error::new_spanned(&pair.value, message))
        }
        Meta::List(list) => {
            let arguments: IndexArguments = list.parse_args()?;
            if let Some(fields) = arguments.fields {
                let message = "an index over several fields belongs on the struct";
                return Err(syn::Error::new_spanned(fields.at, message));
            }
            if let Some(unique) = arguments.unique {
                let message = "write `unique` in place of `index(unique)`";
                return Err(syn::Error::new_spanned(unique, message));
            }
            if key_of(meta) == "index" {
                refuse_with_deleted(arguments.with_deleted.as_ref())?;
            }
            Ok(IndexOf {
                at,
                name: arguments.name,
                with_deleted: arguments.with_deleted,
            })
        }
    }
}

/// `index(fields("a", desc("b")), name = "..", unique)`.
pub(crate) fn index_over(meta: &Meta) -> syn::Result<IndexOver> {
    let key = key_of(meta);
    let refuse = || {
        let message = format!(
            "name the fields: `{key}(fields(\"a\", desc(\"b\")))`; an index over one field can be \
             said on the field: `#[den({key})]`"
        );
        syn::Error::new_spanned(meta, message)
    };
    let Meta::List(list) = meta else {
        return Err(refuse());
    };
    let arguments: IndexArguments = list.parse_args()?;
    let fields = arguments.fields.ok_or_else(refuse)?;
    if fields.list.is_empty() {
        return Err(refuse());
    }
    let unique = key == "unique" || arguments.unique.is_some();
    if !unique {
        refuse_with_deleted(arguments.with_deleted.as_ref())?;
    }
    Ok(IndexOver {
        at: meta.to_token_stream(),
        fields: fields.list,
        name: arguments.name,
        unique,
        with_deleted: arguments.with_deleted,
    })
}

/// Any index that refuses nothing counts what is marked as deleted.
fn refuse_with_deleted(at: Option<&Ident>) -> syn::Result<()> {
    let message = "`with_deleted` says what is taken under a unique index: leave it out, or write \
                   `unique(with_deleted)`";
    at.map_or(Ok(()), |at| Err(syn::Error::new_spanned(at, message)))
}

/// What may stand in the parentheses of `index(..)` and `unique(..)`.
#[derive(Default)]
struct IndexArguments {
    fields: Option<FieldList>,
    name: Option<LitStr>,
    unique: Option<Ident>,
    with_deleted: Option<Ident>,
}

struct FieldList {
    at: Ident,
    list: Vec<IndexedField>,
}

impl Parse for IndexArguments {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let mut arguments = Self::default();
        while !input.is_empty() {
            if input.peek(LitStr) {
                return Err(input.error("name the fields in `fields(..)`: `fields(\"a\", \"b\")`"));
            }
            let key: Ident = input.call(Ident::parse_any)?;
            let repeated = if key == "fields" {
                let at = key.clone();
                let list = field_list(input)?;
                arguments.fields.replace(FieldList { at, list }).is_some()
            } else if key == "name" {
                input.parse::<Token![=]>()?;
                arguments.name.replace(input.parse()?).is_some()
            } else if key == "unique" {
                arguments.unique.replace(key.clone()).is_some()
            } else if key == "with_deleted" {
                arguments.with_deleted.replace(key.clone()).is_some()
            } else {
                let known = ["fields", "name", "unique", "with_deleted"];
                let name = key.to_string();
                let message = format!(
                    "an index has no `{name}`{}\nknown here: {}",
                    did_you_mean(&name, known, '`'),
                    list(known, '`')
                );
                return Err(syn::Error::new_spanned(key, message));
            };
            if repeated {
                let message = format!("`{key}` is said twice");
                return Err(syn::Error::new_spanned(key, message));
            }
            if !input.is_empty() {
                input.parse::<Token![,]>()?;
            }
        }
        Ok(arguments)
    }
}

fn field_list(input: ParseStream<'_>) -> syn::Result<Vec<IndexedField>> {
    let content;
    parenthesized!(content in input);
    let fields = Punctuated::<IndexedField, Token![,]>::parse_terminated(&content)?;
    Ok(fields.into_iter().collect())
}

impl Parse for IndexedField {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        if input.peek(LitStr) {
            return Ok(Self {
                path: input.parse()?,
                descending: false,
            });
        }
        let usage = "write the stored name of a field as text: \"price\", or desc(\"price\")";
        if !(input.peek(Ident) && input.peek2(token::Paren)) {
            return Err(input.error(usage));
        }
        let direction: Ident = input.parse()?;
        if direction != "asc" && direction != "desc" {
            return Err(syn::Error::new_spanned(direction, usage));
        }
        let content;
        parenthesized!(content in input);
        let path = content.parse()?;
        if !content.is_empty() {
            return Err(content.error("one field at a time"));
        }
        Ok(Self {
            path,
            descending: direction == "desc",
        })
    }
}

impl ToTokens for IndexOf {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        tokens.extend(self.at.clone());
    }
}

impl ToTokens for IndexOver {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        let at = &self.at;
        tokens.extend(quote!(#at));
    }
}
