//! `fts` on fields and `search(..)` on documents: what full text looks into, and how.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote, quote_spanned};
use syn::{
    Ident, LitFloat, LitInt, LitStr, Meta, Token,
    ext::IdentExt,
    parse::{Parse, ParseStream},
    spanned::Spanned,
};

use crate::{
    den_attrs::{DenContainer, key_of},
    errors::Errors,
    fields::Field,
    handles::field_type,
    indexes::{IndexedKind, kind_of},
    stored::Kind,
    suggest::{did_you_mean, list},
};

/// `fts`, or `fts(weight = 2.0)`.
pub(crate) struct Searched {
    at: TokenStream,
    weight: f64,
}

/// `search(language = "english")` or `search(substrings)`.
pub(crate) struct SearchSettings {
    language: Option<LitStr>,
    substrings: bool,
}

const NO_TEXT: &str = "only text is searched, and lists of text: a number, a bool or an object has \
                       no words";

/// `fts` on a field.
pub(crate) fn searched(meta: &Meta) -> syn::Result<Searched> {
    let at = meta.to_token_stream();
    let weight = match meta {
        Meta::Path(_) => 1.0,
        Meta::NameValue(pair) => {
            let message = "write `fts`, or `fts(weight = 2.0)`";
            return Err(syn::Error::new_spanned(&pair.value, message));
        }
        Meta::List(list) => list.parse_args::<Weight>()?.0,
    };
    Ok(Searched { at, weight })
}

/// `search(..)` on a document.
pub(crate) fn settings(meta: &Meta) -> syn::Result<SearchSettings> {
    let Meta::List(list) = meta else {
        let message = format!(
            "write `{0}(language = \"english\")` or `{0}(substrings)`; which fields are searched is \
             said on them: `#[den(fts)]`",
            key_of(meta)
        );
        return Err(syn::Error::new_spanned(meta, message));
    };
    list.parse_args()
}

/// The statements that tell `schema` what is searched, where `path` is that of the struct.
pub(crate) fn describe(
    fields: &[Field],
    container: &DenContainer,
    errors: &mut Errors,
) -> TokenStream {
    let krate = &container.krate;
    let mut statements = TokenStream::new();
    for field in fields.iter().filter(|it| it.has_key()) {
        let Some(searched) = &field.den.fts else {
            continue;
        };
        match kind_of(field) {
            Some(IndexedKind::Known(Kind::Text | Kind::Array | Kind::Any)) => {}
            Some(IndexedKind::Known(Kind::Number | Kind::Bool | Kind::Object)) => {
                errors.push(searched, NO_TEXT);
            }
            Some(IndexedKind::Of(ty)) => {
                let kind = quote!(#krate::__private::FieldKind);
                let actual = field_type(krate, &ty, quote!(KIND));
                statements.extend(quote_spanned! {searched.at.span()=>
                    const _: () = ::core::assert!(
                        ::core::matches!(#actual, #kind::Text | #kind::Array | #kind::Any),
                        #NO_TEXT
                    );
                });
            }
            None => continue,
        }
        let (wire, weight) = (&field.wire, searched.weight);
        statements.extend(quote!(schema.searched(path.child(#wire), #weight);));
    }
    if let Some(settings) = &container.search {
        let substrings = settings.substrings;
        let language = match &settings.language {
            Some(language) => quote!(::core::option::Option::Some(#language)),
            None => quote!(::core::option::Option::None),
        };
        statements.extend(quote!(schema.search(#language, #substrings);));
    }
    statements
}

struct Weight(f64);

impl Parse for Weight {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let key: Ident = input.call(Ident::parse_any)?;
        if key != "weight" {
            let name = key.to_string();
            let hint = did_you_mean(&name, ["weight"], '`');
            let message = format!("`fts` has no `{name}`{hint}\nknown here: `weight`");
            return Err(syn::Error::new_spanned(key, message));
        }
        input.parse::<Token![=]>()?;
        let usage = "a weight is a number above zero: `weight = 2.0`";
        let (weight, at) = if input.peek(LitInt) {
            let it: LitInt = input.parse()?;
            (it.base10_parse::<f64>()?, it.span())
        } else if input.peek(LitFloat) {
            let it: LitFloat = input.parse()?;
            (it.base10_parse::<f64>()?, it.span())
        } else {
            return Err(input.error(usage));
        };
        let is_weight = weight.is_finite() && weight > 0.0;
        if !is_weight {
            return Err(syn::Error::new(at, usage));
        }
        if !input.is_empty() {
            return Err(input.error("`fts` takes nothing but `weight`"));
        }
        Ok(Self(weight))
    }
}

impl Parse for SearchSettings {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        let mut settings = Self {
            language: None,
            substrings: false,
        };
        while !input.is_empty() {
            let key: Ident = input.call(Ident::parse_any)?;
            if key == "language" && settings.language.is_none() {
                input.parse::<Token![=]>()?;
                settings.language = Some(input.parse()?);
            } else if key == "substrings" && !settings.substrings {
                settings.substrings = true;
            } else if key == "language" || key == "substrings" {
                return Err(syn::Error::new_spanned(
                    &key,
                    format!("`{key}` is said twice"),
                ));
            } else {
                let known = ["language", "substrings"];
                let name = key.to_string();
                let hint = did_you_mean(&name, known, '`');
                let known = list(known, '`');
                let message = format!("`search` has no `{name}`{hint}\nknown here: {known}");
                return Err(syn::Error::new_spanned(key, message));
            }
            if settings.substrings && settings.language.is_some() {
                let message = "pieces of words are found in any language: leave one of both out";
                return Err(syn::Error::new_spanned(key, message));
            }
            if !input.is_empty() {
                input.parse::<Token![,]>()?;
            }
        }
        if settings.language.is_none() && !settings.substrings {
            return Err(input.error("write `language = \"english\"` or `substrings`"));
        }
        Ok(settings)
    }
}

impl ToTokens for Searched {
    fn to_tokens(&self, tokens: &mut TokenStream) {
        tokens.extend(self.at.clone());
    }
}

#[cfg(test)]
mod tests {
    use syn::{DeriveInput, parse_quote};

    use super::*;
    use crate::{
        document,
        testing::{assert_holds, messages},
    };

    #[test]
    fn searched_fields_are_declared_by_stored_name() {
        let expansion = document::expand(&parse_quote! {
            #[den(search(language = "english"))]
            struct A {
                #[serde(flatten)] base: Base<A>,
                #[den(fts(weight = 2))] #[serde(rename = "Name")] name: String,
                #[den(fts, index)] tags: Vec<String>,
                #[den(fts(weight = 0.5))] note: Option<String>,
            }
        });
        assert_eq!(messages(&expansion), Vec::<String>::new());
        for part in [
            quote!(schema.searched(path.child("Name"), 2f64);),
            quote!(schema.searched(path.child("tags"), 1f64);),
            quote!(schema.searched(path.child("note"), 0.5f64);),
            quote!(schema.search(::core::option::Option::Some("english"), false);),
        ] {
            assert_holds(&expansion, &part);
        }
    }

    #[test]
    fn what_has_no_words_is_refused() {
        let cases: [(DeriveInput, &str); 9] = [
            (
                parse_quote! { struct A { #[serde(flatten)] base: Base<A>, #[den(fts)] n: u8 } },
                "no words",
            ),
            (
                parse_quote! { struct A { #[serde(flatten)] base: Base<A>, #[den(fts)] #[serde(skip)] n: String } },
                "not stored",
            ),
            (
                parse_quote! { struct A { #[serde(flatten)] base: Base<A>, #[den(fts(wieght = 1))] n: String } },
                "did you mean `weight`?",
            ),
            (
                parse_quote! { struct A { #[serde(flatten)] base: Base<A>, #[den(fts(weight = 0))] n: String } },
                "above zero",
            ),
            (
                parse_quote! { struct A { #[serde(flatten)] base: Base<A>, #[den(fts = 2)] n: String } },
                "fts(weight = 2.0)",
            ),
            (
                parse_quote! { #[den(search)] struct A { #[serde(flatten)] base: Base<A> } },
                "said on them",
            ),
            (
                parse_quote! { #[den(search(lang = "x"))] struct A { #[serde(flatten)] base: Base<A> } },
                "known here: `language`",
            ),
            (
                parse_quote! { #[den(search(substrings, language = "x"))] struct A { #[serde(flatten)] base: Base<A> } },
                "leave one of both out",
            ),
            (
                parse_quote! { #[den(fts)] struct A { #[serde(flatten)] base: Base<A> } },
                "belongs on a field",
            ),
        ];
        for (input, expected) in cases {
            let found = messages(&document::expand(&input));
            assert_eq!(found.len(), 1, "{found:?}");
            assert!(found[0].contains(expected), "{found:?}, not {expected:?}");
        }
    }
}
