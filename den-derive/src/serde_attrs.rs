//! `#[serde(..)]`, as far as it decides the stored form.
//!
//! Serde itself reports what it does not understand, so anything unknown is passed over here.

use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::{
    Attribute, Expr, ExprLit, Ident, Lit, LitStr, Meta, MetaList, Token, ext::IdentExt,
    punctuated::Punctuated,
};

use crate::{errors::Errors, wire::RenameRule};

/// What the attributes of a struct or enum say.
#[derive(Default)]
pub(crate) struct SerdeContainer {
    rename_all: Sides<RenameRule>,
    rename_all_fields: Sides<RenameRule>,
    pub(crate) transparent: Option<TokenStream>,
    pub(crate) untagged: Option<TokenStream>,
    /// `into = ".."` or `remote = ".."`: what is stored is another type's form.
    pub(crate) elsewhere: Option<TokenStream>,
    pub(crate) tag: Option<LitStr>,
    pub(crate) content: Option<LitStr>,
}

/// What the attributes of a field (or variant) say.
#[derive(Default)]
pub(crate) struct SerdeField {
    rename: Sides<LitStr>,
    aliases: Vec<String>,
    /// Not written; what is written is also read.
    pub(crate) skipped: bool,
    unread: bool,
    pub(crate) flatten: bool,
    pub(crate) untagged: bool,
    /// `with = ".."` or `serialize_with = ".."`: what is stored is not the type's own form.
    pub(crate) with: bool,
    /// The function is one of `den::times`: what is stored is a `Timestamp`.
    pub(crate) with_time: bool,
}

/// A setting that may differ between writing and reading.
struct Sides<T> {
    write: Option<T>,
    read: Option<T>,
}

impl<T> Default for Sides<T> {
    fn default() -> Self {
        Self {
            write: None,
            read: None,
        }
    }
}

/// Whether a path names one of den's serde helpers for times: `den::times::jiff`, or the same with
/// `::option` at the end, under whatever name den has.
fn is_times_module(path: &str) -> bool {
    let path: String = path.split_whitespace().collect();
    let path = path.strip_suffix("::option").unwrap_or(&path);
    ["jiff", "chrono", "time"].iter().any(|of| {
        let rest = path.strip_suffix(of).and_then(|it| it.strip_suffix("::"));
        rest.is_some_and(|it| it == "times" || it.ends_with("::times"))
    })
}

impl SerdeContainer {
    pub(crate) fn parse(attrs: &[Attribute]) -> Self {
        let mut container = Self::default();
        for meta in metas(attrs) {
            let Some(key) = meta.path().get_ident().map(Ident::unraw) else {
                continue;
            };
            match key.to_string().as_str() {
                "rename_all" => container.rename_all.add(&meta),
                "rename_all_fields" => container.rename_all_fields.add(&meta),
                "transparent" => container.transparent = Some(meta.to_token_stream()),
                "untagged" => container.untagged = Some(meta.to_token_stream()),
                "into" | "remote" => container.elsewhere = Some(meta.to_token_stream()),
                "tag" => container.tag = text(&meta),
                "content" => container.content = text(&meta),
                _ => {}
            }
        }
        container
    }

    /// What holds for the fields of a variant with these attributes, in this enum.
    pub(crate) fn of_variant(mut self, container: &Self) -> Self {
        self.rename_all.write = self.rename_all.write.or(container.rename_all_fields.write);
        self
    }
}

impl SerdeField {
    pub(crate) fn parse(attrs: &[Attribute]) -> Self {
        let mut field = Self::default();
        for meta in metas(attrs) {
            let Some(key) = meta.path().get_ident().map(Ident::unraw) else {
                continue;
            };
            match key.to_string().as_str() {
                "rename" => {
                    let names = sides(&meta);
                    field.rename.write = names.write.or(field.rename.write);
                    field.rename.read = names.read.or(field.rename.read);
                }
                "alias" => field.aliases.extend(text(&meta).map(|it| it.value())),
                "skip" => (field.skipped, field.unread) = (true, true),
                "skip_serializing" => field.skipped = true,
                "skip_deserializing" => field.unread = true,
                "flatten" => field.flatten = true,
                "untagged" => field.untagged = true,
                "with" | "serialize_with" => {
                    field.with = true;
                    field.with_time = text(&meta).is_some_and(|it| is_times_module(&it.value()));
                }
                _ => {}
            }
        }
        field
    }

    /// Whether serde leaves the field out, in writing and in reading.
    pub(crate) fn is_left_out(&self) -> bool {
        self.skipped && self.unread
    }

    /// The name under which a field is written.
    pub(crate) fn written_name(&self, ident: &Ident, container: &SerdeContainer) -> String {
        let own = ident.unraw().to_string();
        match (&self.rename.write, container.rename_all.write) {
            (Some(name), _) => name.value(),
            (None, Some(rule)) => rule.apply(&own),
            (None, None) => own,
        }
    }

    /// The name under which a variant is written.
    pub(crate) fn written_variant(&self, ident: &Ident, container: &SerdeContainer) -> String {
        let own = ident.unraw().to_string();
        match (&self.rename.write, container.rename_all.write) {
            (Some(name), _) => name.value(),
            (None, Some(rule)) => rule.apply_to_variant(&own),
            (None, None) => own,
        }
    }

    /// The name in the stored document. One that could not be read back under the same name is a
    /// mistake.
    pub(crate) fn stored_name(
        &self,
        ident: &Ident,
        container: &SerdeContainer,
        errors: &mut Errors,
    ) -> String {
        let own = ident.unraw().to_string();
        let written = self.written_name(ident, container);
        let read = match (&self.rename.read, container.rename_all.read) {
            (Some(name), _) => name.value(),
            (None, Some(rule)) => rule.apply(&own),
            (None, None) => own.clone(),
        };
        if written != read && !self.aliases.contains(&written) {
            let message = format!(
                "`{own}` is written as {written:?} but read as {read:?}, so a stored document \
                 would not come back; add `#[serde(alias = {written:?})]`"
            );
            errors.push(ident, message);
        }
        written
    }
}

impl Sides<RenameRule> {
    fn add(&mut self, meta: &Meta) {
        let rules = sides(meta);
        let rule = |it: Option<LitStr>| RenameRule::parse(&it?.value());
        self.write = rule(rules.write).or(self.write);
        self.read = rule(rules.read).or(self.read);
    }
}

fn metas(attrs: &[Attribute]) -> impl Iterator<Item = Meta> {
    attrs
        .iter()
        .filter(|it| it.path().is_ident("serde"))
        .filter_map(|it| parse_list(it.meta.require_list().ok()?))
        .flatten()
}

fn parse_list(list: &MetaList) -> Option<Punctuated<Meta, Token![,]>> {
    list.parse_args_with(Punctuated::parse_terminated).ok()
}

/// `key = "both"`, or `key(serialize = "a", deserialize = "b")`.
fn sides(meta: &Meta) -> Sides<LitStr> {
    if let Some(both) = text(meta) {
        return Sides {
            write: Some(both.clone()),
            read: Some(both),
        };
    }
    let mut sides = Sides::default();
    let list = meta.require_list().ok().and_then(parse_list);
    for side in list.into_iter().flatten() {
        if side.path().is_ident("serialize") {
            sides.write = text(&side);
        } else if side.path().is_ident("deserialize") {
            sides.read = text(&side);
        }
    }
    sides
}

fn text(meta: &Meta) -> Option<LitStr> {
    match meta {
        Meta::NameValue(pair) => match &pair.value {
            Expr::Lit(ExprLit {
                lit: Lit::Str(text),
                ..
            }) => Some(text.clone()),
            _ => None,
        },
        Meta::Path(_) | Meta::List(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use quote::format_ident;
    use syn::{ItemStruct, parse_quote};

    use super::*;

    /// The stored name of the only field, or the mistake.
    fn stored(item: &ItemStruct) -> String {
        let container = SerdeContainer::parse(&item.attrs);
        let field = item.fields.iter().next().unwrap();
        let mut errors = Errors::default();
        let name = SerdeField::parse(&field.attrs).stored_name(
            field.ident.as_ref().unwrap(),
            &container,
            &mut errors,
        );
        let mistakes = errors.into_tokens();
        if mistakes.is_empty() {
            name
        } else {
            mistakes.to_string()
        }
    }

    #[test]
    fn renames_win_over_rules() {
        let cases: [(ItemStruct, &str); 7] = [
            (parse_quote! { struct A { very_tasty: u8 } }, "very_tasty"),
            (parse_quote! { struct A { r#type: u8 } }, "type"),
            (
                parse_quote! { #[serde(rename_all = "camelCase")] struct A { very_tasty: u8 } },
                "veryTasty",
            ),
            (
                parse_quote! { #[serde(default, rename_all = "kebab-case", bound = "")] struct A { #[serde(default)] #[serde(rename = "zip code")] very_tasty: u8 } },
                "zip code",
            ),
            (
                parse_quote! { #[serde(rename_all(serialize = "UPPERCASE", deserialize = "UPPERCASE"))] struct A { very_tasty: u8 } },
                "VERY_TASTY",
            ),
            (
                parse_quote! { struct A { #[serde(rename(serialize = "a"), alias = "a")] very_tasty: u8 } },
                "a",
            ),
            (
                parse_quote! { #[serde(crate = "serde", default = "x::y")] struct A { #[serde(rename(serialize = "a", deserialize = "a"))] very_tasty: u8 } },
                "a",
            ),
        ];
        for (item, expected) in cases {
            assert_eq!(stored(&item), expected);
        }
    }

    #[test]
    fn a_name_that_is_not_read_back_is_refused() {
        let message =
            stored(&parse_quote! { struct A { #[serde(rename(serialize = "a"))] b: u8 } });
        assert!(message.contains("written as"), "{message}");
        let message = stored(
            &parse_quote! { #[serde(rename_all(serialize = "UPPERCASE"))] struct A { b: u8 } },
        );
        assert!(message.contains("written as"), "{message}");
    }

    #[test]
    fn what_serde_would_refuse_is_passed_over() {
        let attrs: Vec<Attribute> = vec![
            parse_quote!(#[serde(rename = 3, skip)]),
            parse_quote!(#[serde]),
        ];
        let field = SerdeField::parse(&attrs);
        assert!(field.skipped);
        let name = field.stored_name(
            &format_ident!("a"),
            &SerdeContainer::default(),
            &mut Errors::default(),
        );
        assert_eq!(name, "a");
    }
}
