//! `#[den(..)]`.

use proc_macro2::TokenStream;
use quote::ToTokens;
use syn::{
    Attribute, Expr, ExprLit, Lit, LitStr, Meta, Path, Token, ext::IdentExt, parse_quote,
    punctuated::Punctuated,
};

use crate::{
    errors::Errors,
    index_attrs::{IndexOf, IndexOver, index_of, index_over},
    rules::{OnDelete, Rules},
    search::{self, SearchSettings, Searched},
    stored::Kind,
    suggest::{did_you_mean, list},
};

const DOCUMENT_KEYS: &[&str] = &[
    "collection",
    "revision",
    "hooks",
    "validate",
    "index",
    "unique",
    "search",
    "crate",
];
const EMBEDDED_KEYS: &[&str] = &["kind", "index", "unique", "crate"];
const FIELD_KEYS: &[&str] = &[
    "index",
    "unique",
    "index_together",
    "unique_together",
    "fts",
    "kind",
    "eager",
    "on_delete",
    "owned",
];

/// Keys that people look for here, though they are serde's.
const SERDE_KEYS: &[&str] = &[
    "rename",
    "rename_all",
    "skip",
    "flatten",
    "default",
    "with",
    "alias",
    "tag",
    "untagged",
    "transparent",
];

/// Which derive reads the attributes of a type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Derive {
    Document,
    Embedded,
}

/// What the attributes of a type say.
pub(crate) struct DenContainer {
    /// Where the `den` crate is.
    pub(crate) krate: Path,
    pub(crate) collection: Option<LitStr>,
    pub(crate) revision: bool,
    /// Where hooks are asked for.
    pub(crate) hooks: Option<TokenStream>,
    /// Where the check of declared rules is asked for.
    pub(crate) validate: Option<TokenStream>,
    pub(crate) kind: Option<Kind>,
    pub(crate) indexes: Vec<IndexOver>,
    /// How text is searched.
    pub(crate) search: Option<SearchSettings>,
}

/// What the attributes of a field say.
#[derive(Default)]
pub(crate) struct DenField {
    pub(crate) index: Option<IndexOf>,
    pub(crate) unique: Option<IndexOf>,
    pub(crate) kind: Option<Kind>,
    pub(crate) index_together: Vec<LitStr>,
    pub(crate) unique_together: Vec<LitStr>,
    pub(crate) fts: Option<Searched>,
    pub(crate) rules: Rules,
    /// All of the above, to point at.
    pub(crate) all: TokenStream,
}

impl DenContainer {
    pub(crate) fn parse(attrs: &[Attribute], derive: Derive, errors: &mut Errors) -> Self {
        let mut container = Self {
            krate: parse_quote!(::den),
            collection: None,
            revision: false,
            hooks: None,
            validate: None,
            kind: None,
            indexes: Vec::new(),
            search: None,
        };
        let known = match derive {
            Derive::Document => DOCUMENT_KEYS,
            Derive::Embedded => EMBEDDED_KEYS,
        };
        let mut seen = Vec::new();
        for meta in metas(attrs, errors) {
            let key = key_of(&meta);
            let repeatable = matches!(key.as_str(), "index" | "unique");
            if !repeatable && is_repeated(&meta, &mut seen, errors) {
                continue;
            }
            match key.as_str() {
                "crate" => {
                    let path = text(&meta).and_then(|it| it.parse());
                    container.krate = errors.ok(path).unwrap_or(container.krate);
                }
                "index" | "unique" => {
                    container.indexes.extend(errors.ok(index_over(&meta)));
                }
                "collection" if derive == Derive::Document => {
                    container.collection = errors.ok(text(&meta));
                }
                "revision" if derive == Derive::Document => {
                    container.revision = errors.ok(flag(&meta)).is_some();
                }
                "hooks" if derive == Derive::Document => {
                    container.hooks = errors.ok(flag(&meta)).map(|()| meta.to_token_stream());
                }
                "validate" if derive == Derive::Document => {
                    container.validate = errors.ok(flag(&meta)).map(|()| meta.to_token_stream());
                }
                "search" if derive == Derive::Document => {
                    container.search = errors.ok(search::settings(&meta));
                }
                "kind" if derive == Derive::Embedded => {
                    container.kind = errors.ok(kind(&meta));
                }
                _ => unknown(&meta, &key, known, derive, errors),
            }
        }
        container
    }
}

impl DenField {
    pub(crate) fn parse(attrs: &[Attribute], errors: &mut Errors) -> Self {
        let mut field = Self::default();
        let mut seen = Vec::new();
        for meta in metas(attrs, errors) {
            let key = key_of(&meta);
            let repeatable = matches!(key.as_str(), "index_together" | "unique_together");
            if !repeatable && is_repeated(&meta, &mut seen, errors) {
                continue;
            }
            field.all.extend(meta.to_token_stream());
            match key.as_str() {
                "index" => field.index = errors.ok(index_of(&meta)),
                "unique" => field.unique = errors.ok(index_of(&meta)),
                "fts" => field.fts = errors.ok(search::searched(&meta)),
                "kind" => field.kind = errors.ok(kind(&meta)),
                "index_together" => field.index_together.extend(errors.ok(text(&meta))),
                "unique_together" => field.unique_together.extend(errors.ok(text(&meta))),
                "eager" => field.rules.eager = errors.ok(flag(&meta)).map(|()| meta),
                "owned" => field.rules.owned = errors.ok(flag(&meta)).map(|()| meta),
                "on_delete" => field.rules.on_delete = errors.ok(on_delete(&meta)),
                _ => unknown_on_field(&meta, &key, errors),
            }
        }
        field
    }

    /// Whether there is nothing here but rules about links.
    pub(crate) fn says_only_rules(&self) -> bool {
        self.says_nothing_to_index() && self.kind.is_none()
    }

    /// Whether there is no index here.
    pub(crate) fn says_nothing_to_index(&self) -> bool {
        self.index.is_none()
            && self.unique.is_none()
            && self.index_together.is_empty()
            && self.unique_together.is_empty()
            && self.fts.is_none()
    }

    /// Refuses `#[den(..)]` where it would have no effect.
    pub(crate) fn refuse(&self, why: &str, errors: &mut Errors) {
        if !self.all.is_empty() {
            errors.push(&self.all, why);
        }
    }
}

pub(crate) fn metas(attrs: &[Attribute], errors: &mut Errors) -> Vec<Meta> {
    let mut metas = Vec::new();
    for attr in attrs.iter().filter(|it| it.path().is_ident("den")) {
        let parsed = attr.parse_args_with(Punctuated::<Meta, Token![,]>::parse_terminated);
        metas.extend(errors.ok(parsed).into_iter().flatten());
    }
    metas
}

pub(crate) fn key_of(meta: &Meta) -> String {
    meta.path()
        .get_ident()
        .map(|it| it.unraw().to_string())
        .unwrap_or_default()
}

pub(crate) fn is_repeated(meta: &Meta, seen: &mut Vec<String>, errors: &mut Errors) -> bool {
    let key = key_of(meta);
    if seen.contains(&key) {
        errors.push(meta, format!("`{key}` is said twice"));
        return true;
    }
    seen.push(key);
    false
}

fn unknown(meta: &Meta, key: &str, known: &[&str], derive: Derive, errors: &mut Errors) {
    let hint = if FIELD_KEYS.contains(&key) {
        "; it belongs on a field".to_owned()
    } else if DOCUMENT_KEYS.contains(&key) && derive == Derive::Embedded {
        "; it belongs on a document".to_owned()
    } else {
        hint(key, known)
    };
    report_unknown(meta, key, &hint, known, errors);
}

fn unknown_on_field(meta: &Meta, key: &str, errors: &mut Errors) {
    let hint = if DOCUMENT_KEYS.contains(&key) {
        "; it belongs on the struct".to_owned()
    } else {
        hint(key, FIELD_KEYS)
    };
    report_unknown(meta, key, &hint, FIELD_KEYS, errors);
}

fn hint(key: &str, known: &[&str]) -> String {
    if SERDE_KEYS.contains(&key) {
        return format!("; it is serde's: write `#[serde({key} ..)]`");
    }
    did_you_mean(key, known.iter().copied(), '`')
}

fn report_unknown(meta: &Meta, key: &str, hint: &str, known: &[&str], errors: &mut Errors) {
    let known = list(known.iter().copied(), '`');
    let message = format!("den has no attribute `{key}` here{hint}\nknown here: {known}");
    errors.push(meta.path(), message);
}

fn flag(meta: &Meta) -> syn::Result<()> {
    meta.require_path_only().map(|_| ())
}

/// The text in `key = "text"`.
pub(crate) fn text(meta: &Meta) -> syn::Result<LitStr> {
    let key = key_of(meta);
    let refuse = |at: &dyn ToTokens| {
        let message = format!("write text here: `{key} = \"..\"`");
        syn::Error::new_spanned(at.to_token_stream(), message)
    };
    let Meta::NameValue(pair) = meta else {
        return Err(refuse(meta));
    };
    let mut value = &pair.value;
    // What a `macro_rules` parameter stood for comes in an invisible group.
    while let Expr::Group(group) = value {
        value = &group.expr;
    }
    match value {
        Expr::Lit(ExprLit {
            lit: Lit::Str(text),
            ..
        }) => Ok(text.clone()),
        other => Err(refuse(other)),
    }
}

fn on_delete(meta: &Meta) -> syn::Result<(Meta, OnDelete)> {
    let text = text(meta)?;
    let name = text.value();
    let rule = OnDelete::parse(&name).ok_or_else(|| {
        let hint = did_you_mean(&name, OnDelete::NAMES.iter().copied(), '"');
        let known = list(OnDelete::NAMES.iter().copied(), '"');
        let message = format!(
            "{name:?} is nothing that can happen when the target of a link is deleted{hint}\n\
             known: {known}"
        );
        syn::Error::new_spanned(&text, message)
    })?;
    Ok((meta.clone(), rule))
}

fn kind(meta: &Meta) -> syn::Result<Kind> {
    let text = text(meta)?;
    let name = text.value();
    Kind::parse(&name).ok_or_else(|| {
        let hint = did_you_mean(&name, Kind::NAMES.iter().copied(), '"');
        let known = list(Kind::NAMES.iter().copied(), '"');
        let message = format!("{name:?} is no kind of stored value{hint}\nthe kinds: {known}");
        syn::Error::new_spanned(&text, message)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::mistakes;

    fn container(attr: Attribute) -> Result<DenContainer, Vec<String>> {
        let mut errors = Errors::default();
        let container = DenContainer::parse(&[attr], Derive::Document, &mut errors);
        mistakes(errors).map(|()| container)
    }

    fn field(attr: Attribute) -> Result<DenField, Vec<String>> {
        let mut errors = Errors::default();
        let field = DenField::parse(&[attr], &mut errors);
        mistakes(errors).map(|()| field)
    }

    #[test]
    fn containers_are_read() {
        let read = container(parse_quote!(#[den(
            collection = "c", revision, crate = "a::den",
            index(fields("a", desc("b"), asc("c.d"),), name = "n", unique),
            unique(fields("a"))
        )]))
        .unwrap();
        assert_eq!(read.collection.unwrap().value(), "c");
        assert!(read.revision);
        assert_eq!(read.krate.to_token_stream().to_string(), "a :: den");
        let [first, second] = read.indexes.as_slice() else {
            panic!("two indexes")
        };
        let fields: Vec<_> = first
            .fields
            .iter()
            .map(|it| (it.path.value(), it.descending))
            .collect();
        let expected = [("a", false), ("b", true), ("c.d", false)];
        assert_eq!(fields, expected.map(|(path, desc)| (path.to_owned(), desc)));
        assert!(first.unique && second.unique);
        assert_eq!(first.name.as_ref().unwrap().value(), "n");
    }

    #[test]
    fn fields_are_read() {
        let read = field(parse_quote!(#[den(index(name = "n"), kind = "text", unique_together = "g", unique_together = "h")])).unwrap();
        assert_eq!(read.index.unwrap().name.unwrap().value(), "n");
        assert_eq!(read.kind, Some(Kind::Text));
        assert_eq!(read.unique_together.len(), 2);
        assert!(read.unique.is_none());
    }

    #[test]
    fn mistakes_on_a_struct_say_what_to_write() {
        let cases: [(Attribute, &str); 15] = [
            (
                parse_quote!(#[den(colection = "x")]),
                "did you mean `collection`?",
            ),
            (parse_quote!(#[den(kind = "text")]), "belongs on a field"),
            (
                parse_quote!(#[den(rename_all = "x")]),
                "#[serde(rename_all ..)]",
            ),
            (parse_quote!(#[den(hook)]), "did you mean `hooks`?"),
            (parse_quote!(#[den(hooks(x))]), "unexpected"),
            (parse_quote!(#[den(eager)]), "belongs on a field"),
            (
                parse_quote!(#[den(index(fields("a"), with_deleted))]),
                "`unique(with_deleted)`",
            ),
            (parse_quote!(#[den(a::b)]), "no attribute"),
            (parse_quote!(#[den(revision = true)]), "unexpected"),
            (parse_quote!(#[den(collection = 3)]), "collection = \"..\""),
            (parse_quote!(#[den(revision, revision)]), "said twice"),
            (parse_quote!(#[den(index)]), "name the fields"),
            (parse_quote!(#[den(index("a", "b"))]), "in `fields(..)`"),
            (parse_quote!(#[den(index(fields()))]), "name the fields"),
            (
                parse_quote!(#[den(index(feilds("a")))]),
                "did you mean `fields`?",
            ),
        ];
        for (attr, expected) in cases {
            let found = container(attr).err().unwrap();
            assert!(found[0].contains(expected), "{found:?}, not {expected:?}");
        }
    }

    #[test]
    fn mistakes_on_a_field_say_what_to_write() {
        let cases: [(Attribute, &str); 15] = [
            (parse_quote!(#[den(indx)]), "did you mean `index`?"),
            (parse_quote!(#[den(revision)]), "belongs on the struct"),
            (parse_quote!(#[den(flatten)]), "#[serde(flatten ..)]"),
            (parse_quote!(#[den(kind = "txt")]), "did you mean \"text\"?"),
            (parse_quote!(#[den(kind = "uuid")]), "the kinds: \"text\""),
            (parse_quote!(#[den(kind)]), "kind = \"..\""),
            (parse_quote!(#[den(index = "x")]), "index(name = \"..\")"),
            (parse_quote!(#[den(index(unique))]), "write `unique`"),
            (
                parse_quote!(#[den(index(with_deleted))]),
                "`unique(with_deleted)`",
            ),
            (
                parse_quote!(#[den(on_delete = "null")]),
                "known: \"cascade\", \"restrict\", \"set_null\", \"ignore\"",
            ),
            (
                parse_quote!(#[den(on_delete = "casacde")]),
                "did you mean \"cascade\"?",
            ),
            (parse_quote!(#[den(on_delete)]), "on_delete = \"..\""),
            (parse_quote!(#[den(eager = true)]), "unexpected"),
            (parse_quote!(#[den(hooks)]), "belongs on the struct"),
            (
                parse_quote!(#[den(index(fields("a")))]),
                "belongs on the struct",
            ),
        ];
        for (attr, expected) in cases {
            let found = field(attr).err().unwrap();
            assert!(found[0].contains(expected), "{found:?}, not {expected:?}");
        }
    }
}
