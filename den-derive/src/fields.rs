//! Reads the named fields of a struct.

use proc_macro2::{Span, TokenStream};
use quote::ToTokens;
use syn::{FieldsNamed, Ident, LitStr, Type, Visibility, ext::IdentExt, spanned::Spanned};

use crate::{
    den_attrs::{DenField, Derive},
    errors::Errors,
    mixins::Mixin,
    serde_attrs::{SerdeContainer, SerdeField},
    stored::{Kind, Shape, arguments, last_segment, peel, respan, shape, without_self},
    wire,
};

/// Keys that den itself writes into every document.
const RESERVED: &[&str] = &[
    "_id",
    "_rev",
    "_created_at",
    "_updated_at",
    "_deleted_at",
    "_deleted_by",
    "_delete_reason",
];

pub(crate) const NOT_STORED: &str =
    "this field is not stored (serde skips it), so den cannot do anything with it";

/// One field of a struct.
pub(crate) struct Field {
    pub(crate) ident: Ident,
    pub(crate) vis: Visibility,
    /// The key in the stored document, unless `stored` says that there is none.
    pub(crate) wire: String,
    pub(crate) nullable: bool,
    pub(crate) stored: Stored,
    pub(crate) den: DenField,
    pub(crate) ty: Type,
    pub(crate) form: Form,
    /// What the field gives the document; only if there is no mistake in it.
    pub(crate) mixin: Option<Mixin>,
}

/// Where serde puts a field.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Form {
    /// Under its key; `foreign` if a function writes it.
    Keyed { foreign: bool },
    /// Beside the others.
    Flat { foreign: bool },
    /// Nowhere.
    Hidden,
}

/// How a field is stored.
pub(crate) enum Stored {
    /// Under its key; the handle is a `Field` of this type.
    Leaf { ty: TokenStream, kind: Kind },
    /// Under its key, written by a function; the handle is a `Field` of `Json`, or of `Timestamp`
    /// where that function is one of den's own for times.
    Foreign { kind: Kind, is_time: bool },
    /// Under its key; the type says itself what its handle is.
    Typed { ty: TokenStream },
    /// A struct whose fields lie beside the others.
    Flat { ty: TokenStream },
    /// The `Base` of the document; with a mistake in its type it cannot be used.
    Base { is_usable: bool },
    /// Not at all, or in a way that has no handle.
    Hidden,
}

impl Stored {
    /// Where the type stands that is asked for its handle.
    pub(crate) fn span(&self) -> Span {
        match self {
            Self::Typed { ty } | Self::Flat { ty } => ty.span(),
            Self::Leaf { .. } | Self::Foreign { .. } | Self::Base { .. } | Self::Hidden => {
                Span::call_site()
            }
        }
    }
}

impl Field {
    /// Whether the field has a key of its own.
    pub(crate) fn has_key(&self) -> bool {
        match self.stored {
            Stored::Leaf { .. } | Stored::Foreign { .. } | Stored::Typed { .. } => true,
            Stored::Flat { .. } | Stored::Base { .. } | Stored::Hidden => false,
        }
    }
}

/// Reads all fields, and checks them against each other.
pub(crate) fn read(
    owner: &Ident,
    named: &FieldsNamed,
    serde: &SerdeContainer,
    derive: Derive,
    errors: &mut Errors,
) -> Vec<Field> {
    let mut fields = Vec::new();
    for field in &named.named {
        let Some(ident) = &field.ident else { continue };
        let read = Reader {
            owner,
            ident,
            ty: &field.ty,
            derive,
        };
        fields.push(read.field(field, serde, errors));
    }
    check_names(&fields, serde.tag.as_ref(), derive, errors);
    fields
}

struct Reader<'a> {
    owner: &'a Ident,
    ident: &'a Ident,
    ty: &'a Type,
    derive: Derive,
}

impl Reader<'_> {
    fn field(&self, field: &syn::Field, container: &SerdeContainer, errors: &mut Errors) -> Field {
        let den = DenField::parse(&field.attrs, errors);
        let serde = SerdeField::parse(&field.attrs);
        let mut wire = String::new();
        let foreign = serde.with;
        let form = match (serde.skipped, serde.flatten) {
            (true, _) => Form::Hidden,
            (false, true) => Form::Flat { foreign },
            (false, false) => Form::Keyed { foreign },
        };
        let mut mixin = Mixin::of(self.ty);
        let stored = if let Some(found) = mixin {
            let field = (self.ident, self.ty);
            if !found.check(field, &serde, &den, self.derive, errors) {
                mixin = None;
            }
            self.mixin(found)
        } else if serde.skipped {
            den.refuse(NOT_STORED, errors);
            Stored::Hidden
        } else if serde.flatten {
            self.flat(&serde, &den, errors)
        } else {
            wire = serde.stored_name(self.ident, container, errors);
            self.keyed(&serde, &den, errors)
        };
        Field {
            ident: self.ident.clone(),
            vis: field.vis.clone(),
            wire,
            nullable: peel(self.ty).nullable,
            stored,
            den,
            ty: self.ty.clone(),
            form,
            mixin,
        }
    }

    /// A mixin has its handles also where it is not written as it has to be.
    fn mixin(&self, mixin: Mixin) -> Stored {
        match (mixin, self.derive) {
            (Mixin::SoftDelete, Derive::Document) => Stored::Flat {
                ty: self.anchored(peel(self.ty).ty),
            },
            (Mixin::SoftDelete, Derive::Embedded) | (Mixin::Tracked, _) => Stored::Hidden,
        }
    }

    /// A field without a key of its own.
    fn flat(&self, serde: &SerdeField, den: &DenField, errors: &mut Errors) -> Stored {
        let peeled = peel(self.ty);
        let shape = shape(peeled.ty, self.owner);
        if let Shape::Base = shape {
            let is_usable = self.check_base(den, errors);
            return Stored::Base { is_usable };
        }
        let says_only_kind = den.says_nothing_to_index() && den.rules.is_empty();
        if !says_only_kind {
            den.refuse(
                "a flattened field has no key of its own; put the attribute on the fields of its \
                 type",
                errors,
            );
        }
        match shape {
            _ if serde.with || den.kind.is_some() => Stored::Hidden,
            Shape::Leaf {
                kind: Kind::Object | Kind::Any,
                ..
            } => Stored::Hidden,
            Shape::Leaf { .. } => {
                errors.push(self.ty, "only a struct or a map can be flattened");
                Stored::Hidden
            }
            Shape::Typed => Stored::Flat {
                ty: self.anchored(peeled.ty),
            },
            Shape::Base => Stored::Hidden,
        }
    }

    /// A field with a key of its own.
    fn keyed(&self, serde: &SerdeField, den: &DenField, errors: &mut Errors) -> Stored {
        let peeled = peel(self.ty);
        if serde.with {
            let is_time = serde.with_time;
            let known = if is_time { Kind::Text } else { Kind::Any };
            return Stored::Foreign {
                kind: den.kind.unwrap_or(known),
                is_time,
            };
        }
        match shape(peeled.ty, self.owner) {
            Shape::Base => {
                let owner = self.owner;
                let ident = self.ident;
                errors.push(
                    self.ty,
                    format!(
                        "the `Base` lies flat in the document: write\n\n    #[serde(flatten)]\n    \
                         {ident}: Base<{owner}>,"
                    ),
                );
                let is_usable = self.check_base(den, errors);
                Stored::Base { is_usable }
            }
            Shape::Leaf { ty, kind } => Stored::Leaf {
                ty: without_self(ty, self.owner),
                kind: self.check_kind(kind, den.kind, errors),
            },
            Shape::Typed => match den.kind {
                Some(kind) => Stored::Leaf {
                    ty: self.named(peeled.ty),
                    kind,
                },
                None => Stored::Typed {
                    ty: self.anchored(peeled.ty),
                },
            },
        }
    }

    fn named(&self, ty: &Type) -> TokenStream {
        without_self(ty.to_token_stream(), self.owner)
    }

    /// As `named`, all with one span: the compiler reports a type that is no field type in each
    /// place where it is used, but the same message at the same place only once.
    fn anchored(&self, ty: &Type) -> TokenStream {
        let span = last_segment(ty).map_or_else(|| ty.span(), |it| it.ident.span());
        respan(self.named(ty), span)
    }

    /// A declared kind may make a known one more precise, not contradict it.
    fn check_kind(&self, known: Kind, declared: Option<Kind>, errors: &mut Errors) -> Kind {
        match declared {
            None => known,
            Some(declared) if known == Kind::Any || declared == known => declared,
            Some(declared) => {
                let message = format!(
                    "this type is stored as {}, not as {declared}: leave out `kind = \"{declared}\"`",
                    known.name(),
                    declared = declared.name(),
                );
                errors.push(self.ty, message);
                known
            }
        }
    }

    fn check_base(&self, den: &DenField, errors: &mut Errors) -> bool {
        let owner = self.owner;
        if self.derive == Derive::Embedded {
            errors.push(
                self.ty,
                "an embedded struct has no id of its own: leave out the `Base`, or derive \
                 `Document` and store it in a collection",
            );
            return false;
        }
        den.refuse(
            "den indexes and fills in the fields of `Base` itself",
            errors,
        );
        let segment = last_segment(self.ty).filter(|it| it.ident == "Base");
        let Some(segment) = segment else {
            errors.push(
                self.ty,
                format!("every document has its base: write `Base<{owner}>`"),
            );
            return false;
        };
        let argument = arguments(segment).first().and_then(|it| last_segment(it));
        let is_own = argument.is_some_and(|it| it.ident == *owner || it.ident == "Self");
        if !is_own {
            errors.push(
                self.ty,
                format!("this is not the base of `{owner}`: write `Base<{owner}>`"),
            );
        }
        is_own
    }
}

fn check_names(fields: &[Field], tag: Option<&LitStr>, derive: Derive, errors: &mut Errors) {
    let mut seen: Vec<(&str, String)> = Vec::new();
    let tag_name = tag.map(LitStr::value);
    if let Some(name) = &tag_name {
        seen.push((name, "the `tag` of the struct".to_owned()));
    }
    for field in fields.iter().filter(|it| it.has_key()) {
        let (ident, name) = (&field.ident, field.wire.as_str());
        if let Some(complaint) = wire::complaint(name) {
            errors.push(ident, complaint);
        }
        if derive == Derive::Document && RESERVED.contains(&name) {
            errors.push(
                ident,
                format!(
                    "{name:?} is a key that den writes itself; give the field another name in \
                     the stored document: `#[serde(rename = \"..\")]`"
                ),
            );
        }
        match seen.iter().find(|(other, _)| *other == name) {
            Some((_, other)) => errors.push(
                ident,
                format!(
                    "{other} and `{}` are both stored as {name:?}",
                    ident.unraw()
                ),
            ),
            None => seen.push((name, format!("`{}`", ident.unraw()))),
        }
    }
}
