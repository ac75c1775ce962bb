//! How a field is stored, judged by its type as written.

use proc_macro2::{Group, Ident, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::{GenericArgument, Path, PathArguments, PathSegment, Type, TypePath};

/// What a field holds in the stored document: the contract's `FieldKind`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    Text,
    Number,
    Bool,
    Array,
    Object,
    Any,
}

impl Kind {
    /// As written in `#[den(kind = "..")]`.
    pub(crate) const NAMES: &'static [&'static str] =
        &["text", "number", "bool", "array", "object", "any"];

    pub(crate) fn parse(name: &str) -> Option<Self> {
        Some(match name {
            "text" => Self::Text,
            "number" => Self::Number,
            "bool" => Self::Bool,
            "array" => Self::Array,
            "object" => Self::Object,
            "any" => Self::Any,
            _ => return None,
        })
    }

    /// As written in `#[den(kind = "..")]`, and in messages.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Number => "number",
            Self::Bool => "bool",
            Self::Array => "array",
            Self::Object => "object",
            Self::Any => "any",
        }
    }

    /// The `FieldKind`, in an expansion.
    pub(crate) fn tokens(self, krate: &Path) -> TokenStream {
        let variant = match self {
            Self::Text => quote!(Text),
            Self::Number => quote!(Number),
            Self::Bool => quote!(Bool),
            Self::Array => quote!(Array),
            Self::Object => quote!(Object),
            Self::Any => quote!(Any),
        };
        quote!(#krate::__private::FieldKind::#variant)
    }
}

/// A type as den sees it: without `Option` and pointers around it.
pub(crate) struct Peeled<'a> {
    pub(crate) ty: &'a Type,
    pub(crate) nullable: bool,
}

/// What den makes of a type.
pub(crate) enum Shape {
    /// A leaf of a known kind; the handle holds this type.
    Leaf { ty: TokenStream, kind: Kind },
    /// `Base<..>`.
    Base,
    /// A type that must say itself, through `FieldType`.
    Typed,
}

/// Takes `Option`, `Box`, `Arc` and `Rc` off: serde stores what is inside.
pub(crate) fn peel(mut ty: &Type) -> Peeled<'_> {
    let mut nullable = false;
    loop {
        match ty {
            Type::Group(group) => ty = &group.elem,
            Type::Paren(paren) => ty = &paren.elem,
            _ => {
                let Some(segment) = last_segment(ty) else {
                    return Peeled { ty, nullable };
                };
                let is_option = segment.ident == "Option";
                let is_pointer = ["Box", "Arc", "Rc"].iter().any(|it| segment.ident == it);
                match arguments(segment).as_slice() {
                    [inner] if is_option || is_pointer => {
                        nullable |= is_option;
                        ty = inner;
                    }
                    _ => return Peeled { ty, nullable },
                }
            }
        }
    }
}

/// Judges a peeled type. `owner` is the struct it stands in: a struct inside itself has no end,
/// so it is taken as an object without handles.
pub(crate) fn shape(ty: &Type, owner: &Ident) -> Shape {
    let text = || Shape::Leaf {
        ty: quote!(::std::string::String),
        kind: Kind::Text,
    };
    match ty {
        Type::Array(array) => list_of(&array.elem),
        Type::Slice(slice) => list_of(&slice.elem),
        Type::Tuple(tuple) => {
            let kind = if tuple.elems.is_empty() {
                Kind::Any
            } else {
                Kind::Array
            };
            as_written(ty, kind)
        }
        Type::Reference(reference) if is_str(&reference.elem) => text(),
        _ if is_str(ty) => text(),
        _ => last_segment(ty).map_or(Shape::Typed, |segment| {
            if segment.ident == *owner || segment.ident == "Self" {
                as_written(ty, Kind::Object)
            } else {
                shape_of_path(ty, segment)
            }
        }),
    }
}

fn shape_of_path(ty: &Type, segment: &PathSegment) -> Shape {
    let arguments = arguments(segment);
    match (segment.ident.to_string().as_str(), arguments.as_slice()) {
        ("Base", _) => Shape::Base,
        ("String" | "char" | "Timestamp", []) | ("Id", [_]) => as_written(ty, Kind::Text),
        ("Cow", [inner]) if is_str(inner) => Shape::Leaf {
            ty: quote!(::std::string::String),
            kind: Kind::Text,
        },
        (
            "i8" | "i16" | "i32" | "i64" | "i128" | "isize" | "u8" | "u16" | "u32" | "u64" | "u128"
            | "usize" | "f32" | "f64",
            [],
        ) => as_written(ty, Kind::Number),
        ("bool", []) => as_written(ty, Kind::Bool),
        ("Vec", [_]) => as_written(ty, Kind::Array),
        ("VecDeque" | "LinkedList" | "BinaryHeap" | "BTreeSet", [element])
        | ("HashSet" | "IndexSet", [element, ..]) => list_of(element),
        ("HashMap" | "BTreeMap", [_, _, ..]) => as_written(ty, Kind::Object),
        ("IndexMap" | "Map", [key, value, ..]) => Shape::Leaf {
            ty: quote!(::std::collections::BTreeMap<#key, #value>),
            kind: Kind::Object,
        },
        ("Json" | "Value", []) => as_written(ty, Kind::Any),
        _ => Shape::Typed,
    }
}

/// Lists are all stored alike, so the handle of each is that of a `Vec`.
fn list_of(element: &Type) -> Shape {
    Shape::Leaf {
        ty: quote!(::std::vec::Vec<#element>),
        kind: Kind::Array,
    }
}

fn as_written(ty: &Type, kind: Kind) -> Shape {
    Shape::Leaf {
        ty: ty.to_token_stream(),
        kind,
    }
}

fn is_str(ty: &Type) -> bool {
    last_segment(ty).is_some_and(|it| it.ident == "str")
}

/// The last segment of a plain path.
pub(crate) fn last_segment(ty: &Type) -> Option<&PathSegment> {
    match ty {
        Type::Path(TypePath { qself: None, path }) => path.segments.last(),
        _ => None,
    }
}

/// The types among the generic arguments; lifetimes and constants are passed over.
pub(crate) fn arguments(segment: &PathSegment) -> Vec<&Type> {
    let PathArguments::AngleBracketed(arguments) = &segment.arguments else {
        return Vec::new();
    };
    let arguments = arguments.args.iter();
    arguments
        .filter_map(|it| match it {
            GenericArgument::Type(ty) => Some(ty),
            _ => None,
        })
        .collect()
}

/// Writes `owner` for `Self`, which means something else in the struct of handles.
pub(crate) fn without_self(tokens: TokenStream, owner: &Ident) -> TokenStream {
    tokens
        .into_iter()
        .map(|it| match it {
            TokenTree::Ident(ident) if ident == "Self" => {
                let mut named = owner.clone();
                named.set_span(ident.span());
                TokenTree::Ident(named)
            }
            TokenTree::Group(group) => {
                let inner = without_self(group.stream(), owner);
                let mut rewritten = Group::new(group.delimiter(), inner);
                rewritten.set_span(group.span());
                TokenTree::Group(rewritten)
            }
            other => other,
        })
        .collect()
}

/// Gives every token this span.
pub(crate) fn respan(tokens: TokenStream, span: Span) -> TokenStream {
    tokens
        .into_iter()
        .map(|it| {
            let mut it = match it {
                TokenTree::Group(group) => {
                    let inner = respan(group.stream(), span);
                    TokenTree::Group(Group::new(group.delimiter(), inner))
                }
                other => other,
            };
            it.set_span(span);
            it
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use quote::format_ident;
    use syn::parse_quote;

    use super::*;

    /// `kind type`, `base` or `typed`, with `?` behind where it may be null.
    fn judged(ty: &Type) -> String {
        let peeled = peel(ty);
        let text = match shape(peeled.ty, &format_ident!("Owner")) {
            Shape::Leaf { ty, kind } => format!("{kind:?} {ty}").replace(' ', "").replacen(
                &format!("{kind:?}"),
                &format!("{kind:?} "),
                1,
            ),
            Shape::Base => "base".to_owned(),
            Shape::Typed => "typed".to_owned(),
        };
        if peeled.nullable { text + "?" } else { text }
    }

    #[test]
    fn types_are_judged_as_written() {
        let cases: Vec<(Type, &str)> = vec![
            (parse_quote!(String), "Text String"),
            (
                parse_quote!(std::string::String),
                "Text std::string::String",
            ),
            (parse_quote!(&'static str), "Text ::std::string::String"),
            (
                parse_quote!(Cow<'static, str>),
                "Text ::std::string::String",
            ),
            (parse_quote!(Box<str>), "Text ::std::string::String"),
            (parse_quote!(char), "Text char"),
            (parse_quote!(Timestamp), "Text Timestamp"),
            (parse_quote!(den::Id<Maker>), "Text den::Id<Maker>"),
            (parse_quote!(u8), "Number u8"),
            (parse_quote!(f64), "Number f64"),
            (parse_quote!(bool), "Bool bool"),
            (parse_quote!(Vec<Line>), "Array Vec<Line>"),
            (parse_quote!(VecDeque<u8>), "Array ::std::vec::Vec<u8>"),
            (parse_quote!(HashSet<u8, S>), "Array ::std::vec::Vec<u8>"),
            (parse_quote!([u8; 3]), "Array ::std::vec::Vec<u8>"),
            (parse_quote!(Arc<[u8]>), "Array ::std::vec::Vec<u8>"),
            (parse_quote!((u8, String)), "Array (u8,String)"),
            (parse_quote!(()), "Any ()"),
            (
                parse_quote!(HashMap<String, u8>),
                "Object HashMap<String,u8>",
            ),
            (
                parse_quote!(IndexMap<String, u8>),
                "Object ::std::collections::BTreeMap<String,u8>",
            ),
            (
                parse_quote!(serde_json::Map<String, Value>),
                "Object ::std::collections::BTreeMap<String,Value>",
            ),
            (parse_quote!(serde_json::Value), "Any serde_json::Value"),
            (parse_quote!(Json), "Any Json"),
            (parse_quote!(Base<Owner>), "base"),
            (parse_quote!(Address), "typed"),
            (parse_quote!(Uuid), "typed"),
            (parse_quote!(Link<Maker>), "typed"),
            (parse_quote!(<A as B>::C), "typed"),
            (parse_quote!(Owner), "Object Owner"),
            (parse_quote!(Option<Box<Self>>), "Object Self?"),
            (parse_quote!(Option<String>), "Text String?"),
            (parse_quote!(std::option::Option<Option<u8>>), "Number u8?"),
            (parse_quote!(Box<Option<Address>>), "typed?"),
            (parse_quote!(Option<Rc<Vec<u8>>>), "Array Vec<u8>?"),
            (parse_quote!(Option), "typed"),
            (parse_quote!((String)), "Text String"),
        ];
        for (ty, expected) in cases {
            assert_eq!(judged(&ty), expected, "{}", ty.to_token_stream());
        }
    }

    #[test]
    fn self_is_written_out() {
        let rewritten = without_self(
            quote!(HashMap<String, (Self, [Self; 2])>),
            &format_ident!("Node"),
        );
        let expected = quote!(HashMap<String, (Node, [Node; 2])>);
        assert_eq!(rewritten.to_string(), expected.to_string());
    }

    #[test]
    fn every_kind_has_its_name() {
        for name in Kind::NAMES {
            let kind = Kind::parse(name).unwrap();
            assert_eq!(kind.name(), *name);
        }
        assert_eq!(Kind::parse("Text"), None);
    }
}
