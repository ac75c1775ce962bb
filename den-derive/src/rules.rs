//! `eager`, `owned` and `on_delete` on a field, checked against its type.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Ident, Meta, Path, Type};

use crate::{
    errors::Errors,
    stored::{arguments, last_segment},
};

pub(crate) const WRITTEN_BY_FUNCTION: &str = "a function writes this field, so den does not find its links in stored documents; leave out \
     the attribute, or the function";

/// What happens to a document when one it links to is deleted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum OnDelete {
    Cascade,
    Restrict,
    SetNull,
    Ignore,
}

impl OnDelete {
    /// As written in `#[den(on_delete = "..")]`.
    pub(crate) const NAMES: &'static [&'static str] =
        &["cascade", "restrict", "set_null", "ignore"];

    pub(crate) fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "cascade" => Self::Cascade,
            "restrict" => Self::Restrict,
            "set_null" => Self::SetNull,
            "ignore" => Self::Ignore,
            _ => return None,
        })
    }

    fn variant(self) -> TokenStream {
        match self {
            Self::Cascade => quote!(Cascade),
            Self::Restrict => quote!(Restrict),
            Self::SetNull => quote!(SetNull),
            Self::Ignore => quote!(Ignore),
        }
    }
}

/// What a field declares about its links.
#[derive(Default)]
pub(crate) struct Rules {
    pub(crate) eager: Option<Meta>,
    pub(crate) owned: Option<Meta>,
    pub(crate) on_delete: Option<(Meta, OnDelete)>,
}

impl Rules {
    pub(crate) fn is_empty(&self) -> bool {
        self.first().is_none()
    }

    /// An attribute to point at.
    pub(crate) fn first(&self) -> Option<&Meta> {
        let on_delete = self.on_delete.as_ref().map(|(meta, _)| meta);
        self.eager.as_ref().or(self.owned.as_ref()).or(on_delete)
    }

    /// The `LinkRules`, in an expansion.
    pub(crate) fn tokens(&self, krate: &Path) -> TokenStream {
        if self.is_empty() {
            return quote!(::core::default::Default::default());
        }
        let (eager, owned) = (self.eager.is_some(), self.owned.is_some());
        let on_delete = self.on_delete.as_ref().map(|(_, rule)| *rule);
        let on_delete = on_delete.unwrap_or(OnDelete::Ignore).variant();
        quote! {
            #krate::__private::LinkRules {
                eager: #eager,
                on_delete: #krate::OnDelete::#on_delete,
                owned: #owned,
            }
        }
    }

    /// Refuses rules where they would have no effect.
    pub(crate) fn refuse(&self, why: &str, errors: &mut Errors) {
        if let Some(meta) = self.first() {
            errors.push(meta, why);
        }
    }

    /// Checks the rules against the type, as far as that can be judged as written.
    pub(crate) fn check(&self, ty: &Type, errors: &mut Errors) {
        let Some(meta) = self.first() else { return };
        let place = match place(ty) {
            Some(place) => place,
            None if is_id(ty) => {
                let message = "an `Id` is only an id, which den does not follow: write `Link<..>` \
                               in its place";
                return errors.push(meta, message);
            }
            None if is_plain(ty) => {
                let message = "this is about links, and there are none in a field of this type: \
                               write `Link<..>`, `Option<Link<..>>` or `Vec<Link<..>>`, or leave \
                               out the attribute";
                return errors.push(meta, message);
            }
            None => return,
        };
        let Some((meta, rule)) = &self.on_delete else {
            return;
        };
        match (rule, place) {
            (OnDelete::SetNull, Place::Required) => errors.push(
                meta,
                "this link cannot be taken out, because the field always has one: write \
                 `Option<Link<..>>`, or another rule: \"cascade\", \"restrict\"",
            ),
            (OnDelete::SetNull | OnDelete::Cascade | OnDelete::Restrict, Place::Map) => errors
                .push(
                    meta,
                    "den does not search the values of maps for links to a deleted document: \
                     write `Vec<Link<..>>`, or leave out the rule",
                ),
            (_, Place::Removable | Place::Required | Place::Map) => {}
        }
    }

    /// Whether the type has to be asked if the rules reach its links.
    pub(crate) fn is_doubtful(&self, ty: &Type) -> bool {
        !self.is_empty() && place(ty).is_none()
    }
}

/// Where in a type as written a link lies.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Place {
    /// Where it is always there.
    Required,
    /// In an option or a list.
    Removable,
    /// Somewhere in a map.
    Map,
}

/// Where the link lies; nothing for a type of which that cannot be told.
fn place(ty: &Type) -> Option<Place> {
    match ty {
        Type::Group(group) => return place(&group.elem),
        Type::Paren(paren) => return place(&paren.elem),
        Type::Array(array) => return place(&array.elem),
        _ => {}
    }
    let segment = last_segment(ty)?;
    let arguments = arguments(segment);
    let (place_of, inner): (fn(Place) -> Place, &Type) =
        match (segment.ident.to_string().as_str(), arguments.as_slice()) {
            ("Link", [_]) => return Some(Place::Required),
            ("Box" | "Rc" | "Arc", [inner]) => (|it| it, inner),
            ("Option" | "Vec" | "VecDeque" | "LinkedList" | "BinaryHeap" | "BTreeSet", [inner])
            | ("HashSet" | "IndexSet", [inner, ..]) => (
                |it| match it {
                    Place::Required | Place::Removable => Place::Removable,
                    Place::Map => Place::Map,
                },
                inner,
            ),
            ("HashMap" | "BTreeMap" | "IndexMap" | "Map", [_, inner, ..]) => {
                (|_| Place::Map, inner)
            }
            _ => return None,
        };
    place(inner).map(place_of)
}

/// Whether the type obviously holds neither links nor attachments. One that is named like a type of
/// den or of the standard library is taken for that, as everywhere.
pub(crate) fn is_plain(ty: &Type) -> bool {
    match ty {
        Type::Group(group) => is_plain(&group.elem),
        Type::Paren(paren) => is_plain(&paren.elem),
        Type::Array(array) => is_plain(&array.elem),
        Type::Slice(slice) => is_plain(&slice.elem),
        Type::Reference(reference) => is_plain(&reference.elem),
        Type::Tuple(tuple) => tuple.elems.iter().all(is_plain),
        _ => last_segment(ty).is_some_and(|segment| {
            let arguments = arguments(segment);
            match (segment.ident.to_string().as_str(), arguments.as_slice()) {
                ("Base" | "Id" | "PhantomData", _) => true,
                (
                    "String" | "str" | "char" | "bool" | "i8" | "i16" | "i32" | "i64" | "i128"
                    | "isize" | "u8" | "u16" | "u32" | "u64" | "u128" | "usize" | "f32" | "f64"
                    | "Timestamp" | "Json" | "SoftDelete" | "Tracked",
                    [],
                ) => true,
                // Many a crate has a `Value` of its own.
                ("Value", []) => is_in(ty, "serde_json"),
                (
                    "Option" | "Box" | "Rc" | "Arc" | "Cow" | "Vec" | "VecDeque" | "LinkedList"
                    | "BinaryHeap" | "BTreeSet" | "HashSet" | "IndexSet" | "HashMap" | "BTreeMap"
                    | "IndexMap" | "Map",
                    [_, ..],
                ) => arguments.into_iter().all(is_plain),
                _ => false,
            }
        }),
    }
}

fn is_in(ty: &Type, module: &str) -> bool {
    match ty {
        Type::Path(path) => path.path.segments.iter().any(|it| it.ident == module),
        _ => false,
    }
}

fn is_id(ty: &Type) -> bool {
    last_segment(ty)
        .is_some_and(|segment| segment.ident == "Id" || arguments(segment).into_iter().any(is_id))
}

/// Whether the type as written has a link in it.
pub(crate) fn has_link(ty: &Type) -> bool {
    match ty {
        Type::Group(group) => has_link(&group.elem),
        Type::Paren(paren) => has_link(&paren.elem),
        Type::Array(array) => has_link(&array.elem),
        Type::Tuple(tuple) => tuple.elems.iter().any(has_link),
        _ => last_segment(ty).is_some_and(|segment| {
            let arguments = arguments(segment);
            let is_link = |ident: &Ident| ident == "Link" && arguments.len() == 1;
            let is_phantom = segment.ident == "PhantomData" || segment.ident == "Id";
            is_link(&segment.ident) || !is_phantom && arguments.iter().any(|it| has_link(it))
        }),
    }
}

#[cfg(test)]
mod tests {
    use quote::ToTokens;
    use syn::parse_quote;

    use super::*;

    #[test]
    fn places_are_judged_as_written() {
        let cases: Vec<(Type, Option<Place>)> = vec![
            (parse_quote!(Link<Maker>), Some(Place::Required)),
            (parse_quote!(den::Link<Self>), Some(Place::Required)),
            (parse_quote!([Link<Maker>; 2]), Some(Place::Required)),
            (parse_quote!(Box<Link<Maker>>), Some(Place::Required)),
            (parse_quote!(Option<Link<Maker>>), Some(Place::Removable)),
            (parse_quote!(Vec<Link<Maker>>), Some(Place::Removable)),
            (
                parse_quote!(HashSet<Link<Maker>, S>),
                Some(Place::Removable),
            ),
            (
                parse_quote!(Option<Vec<Link<Maker>>>),
                Some(Place::Removable),
            ),
            (parse_quote!(HashMap<String, Link<Maker>>), Some(Place::Map)),
            (
                parse_quote!(Vec<BTreeMap<String, Option<Link<Maker>>>>),
                Some(Place::Map),
            ),
            (parse_quote!(Vec<Line>), None),
            (parse_quote!(Link), None),
            (parse_quote!((Link<Maker>, u8)), None),
        ];
        for (ty, expected) in cases {
            assert_eq!(place(&ty), expected, "{}", ty.to_token_stream());
        }
    }

    #[test]
    fn plain_types_hold_nothing() {
        let plain: Vec<Type> = vec![
            parse_quote!(String),
            parse_quote!(&'static str),
            parse_quote!(Option<Box<str>>),
            parse_quote!(Vec<(u8, Option<bool>)>),
            parse_quote!(HashMap<String, Vec<Json>>),
            parse_quote!(serde_json::Map<String, serde_json::Value>),
            parse_quote!(Id<Maker>),
            parse_quote!(den::Base<Self>),
            parse_quote!([u8; 32]),
        ];
        for ty in plain {
            assert!(is_plain(&ty), "{}", ty.to_token_stream());
        }
        let others: Vec<Type> = vec![
            parse_quote!(Link<Maker>),
            parse_quote!(Attachment),
            parse_quote!(Vec<Line>),
            parse_quote!(Option<Box<Self>>),
            parse_quote!((u8, Line)),
            parse_quote!(Value),
            parse_quote!(HashSet<u8, S>),
            parse_quote!(<A as B>::C),
            parse_quote!(Wrapper<u8>),
        ];
        for ty in others {
            assert!(!is_plain(&ty), "{}", ty.to_token_stream());
        }
    }

    #[test]
    fn every_rule_has_its_name() {
        let names: Vec<_> = OnDelete::NAMES
            .iter()
            .map(|it| OnDelete::parse(it))
            .collect();
        assert!(names.iter().all(Option::is_some));
        assert_eq!(OnDelete::parse("Cascade"), None);
    }
}
