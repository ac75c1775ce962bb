//! `SoftDelete` and `Tracked` as fields of a document.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Ident, Path, Type};

use crate::{
    den_attrs::{DenField, Derive},
    errors::Errors,
    fields::Field,
    serde_attrs::SerdeField,
    stored::{arguments, last_segment, peel},
};

/// A field that gives a document an ability.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Mixin {
    SoftDelete,
    Tracked,
}

impl Mixin {
    /// What a type is as written, also where it is an option or behind a pointer.
    pub(crate) fn of(ty: &Type) -> Option<Self> {
        let segment = last_segment(peel(ty).ty)?;
        match (
            segment.ident.to_string().as_str(),
            arguments(segment).as_slice(),
        ) {
            ("SoftDelete", []) => Some(Self::SoftDelete),
            ("Tracked", []) => Some(Self::Tracked),
            _ => None,
        }
    }

    /// Checks how the field is written; whether it can be used.
    pub(crate) fn check(
        self,
        (ident, ty): (&Ident, &Type),
        serde: &SerdeField,
        den: &DenField,
        derive: Derive,
        errors: &mut Errors,
    ) -> bool {
        let is_direct = last_segment(ty).is_some_and(|it| match self {
            Self::SoftDelete => it.ident == "SoftDelete",
            Self::Tracked => it.ident == "Tracked",
        });
        let complaint = match (self, derive) {
            (Self::SoftDelete, Derive::Embedded) => Some(
                "only a document is marked as deleted, not a struct inside of it: put the \
                 `SoftDelete` into the document"
                    .to_owned(),
            ),
            (Self::Tracked, Derive::Embedded) => Some(
                "only a document is tracked, with all that lies in it: put the `Tracked` into the \
                 document"
                    .to_owned(),
            ),
            (Self::SoftDelete, Derive::Document) => {
                let is_right = is_direct && serde.flatten && !serde.skipped && !serde.with;
                (!is_right).then(|| {
                    format!(
                        "the marks of `SoftDelete` lie flat in the document, and are always \
                         there: write\n\n    #[serde(flatten)]\n    {ident}: SoftDelete,"
                    )
                })
            }
            (Self::Tracked, Derive::Document) => {
                let is_right = is_direct && serde.is_left_out();
                (!is_right).then(|| {
                    format!(
                        "what `Tracked` remembers is only in memory, not in the document: \
                         write\n\n    #[serde(skip)]\n    {ident}: Tracked,"
                    )
                })
            }
        };
        if let Some(complaint) = &complaint {
            errors.push(ty, complaint);
        }
        let why = match self {
            Self::SoftDelete => {
                "den looks after the fields of `SoftDelete` itself; an index over \
                                 one belongs on the struct: `index(fields(\"_deleted_at\"))`"
            }
            Self::Tracked => "a `Tracked` is not stored, so den cannot do anything with it",
        };
        den.refuse(why, errors);
        complaint.is_none()
    }
}

/// The mixins of a document.
pub(crate) struct Mixins<'a> {
    soft_delete: Option<&'a Ident>,
    tracked: Option<&'a Ident>,
}

impl<'a> Mixins<'a> {
    /// Finds them; one that is there twice is a mistake.
    pub(crate) fn find(fields: &'a [Field], errors: &mut Errors) -> Self {
        let mut mixins = Self {
            soft_delete: None,
            tracked: None,
        };
        for field in fields {
            let (known, name) = match field.mixin {
                Some(Mixin::SoftDelete) => (&mut mixins.soft_delete, "SoftDelete"),
                Some(Mixin::Tracked) => (&mut mixins.tracked, "Tracked"),
                None => continue,
            };
            match known {
                None => *known = Some(&field.ident),
                Some(first) => {
                    let message = format!("`{first}` is a `{name}` already, so leave this one out");
                    errors.push(&field.ident, message);
                }
            }
        }
        mixins
    }

    /// The items of `Document` that are not as by default.
    pub(crate) fn items(&self, krate: &Path) -> TokenStream {
        let some = quote!(::core::option::Option::Some);
        let option = quote!(::core::option::Option);
        let soft_delete = self.soft_delete.map(|ident| {
            quote! {
                const SOFT_DELETE: bool = true;
                fn __deletion(&self) -> #option<&#krate::SoftDelete> {
                    #some(&self.#ident)
                }
                fn __deletion_mut(&mut self) -> #option<&mut #krate::SoftDelete> {
                    #some(&mut self.#ident)
                }
            }
        });
        let tracked = self.tracked.map(|ident| {
            quote! {
                const TRACKED: bool = true;
                fn __tracked(&self) -> #option<&#krate::Tracked> {
                    #some(&self.#ident)
                }
                fn __tracked_mut(&mut self) -> #option<&mut #krate::Tracked> {
                    #some(&mut self.#ident)
                }
            }
        });
        quote!(#soft_delete #tracked)
    }

    /// The statement that tells `schema` about marks of deletion.
    pub(crate) fn describe(&self) -> TokenStream {
        let statement = self.soft_delete.map(|_| quote!(schema.soft_delete();));
        quote!(#statement)
    }

    /// What stands beside the implementation of `Document`.
    pub(crate) fn beside(&self, krate: &Path, name: &Ident) -> TokenStream {
        let tracking = self.tracked.map(|_| {
            quote! {
                #[automatically_derived]
                impl #krate::Tracking for #name {}
            }
        });
        quote!(#tracking)
    }
}

#[cfg(test)]
mod tests {
    use syn::{DeriveInput, parse_quote};

    use crate::{
        document,
        testing::{assert_holds, messages},
    };

    use super::*;

    #[test]
    fn mixins_give_a_document_abilities() {
        let expansion = document::expand(&parse_quote! {
            struct A {
                #[serde(flatten)] base: Base<A>,
                #[serde(flatten)] marks: den::SoftDelete,
                #[serde(skip)] memory: Tracked,
                #[den(unique(with_deleted))] name: String,
            }
        });
        assert_eq!(messages(&expansion), Vec::<String>::new());
        for part in [
            quote!(
                const SOFT_DELETE: bool = true;
            ),
            quote!(::core::option::Option::Some(&self.marks)),
            quote!(::core::option::Option::Some(&mut self.memory)),
            quote!(schema.soft_delete();),
            quote!(impl ::den::Tracking for A {}),
            quote!(with_deleted: true,),
        ] {
            assert_holds(&expansion, &part);
        }
    }

    #[test]
    fn mixins_in_the_wrong_place_are_refused() {
        let cases: [(DeriveInput, &str); 6] = [
            (
                parse_quote! { struct A { it: SoftDelete } },
                "#[serde(flatten)]",
            ),
            (
                parse_quote! { struct A { #[serde(flatten)] it: Box<SoftDelete> } },
                "it: SoftDelete",
            ),
            (parse_quote! { struct A { it: Tracked } }, "#[serde(skip)]"),
            (
                parse_quote! { struct A { #[serde(skip_serializing)] it: Tracked } },
                "#[serde(skip)]",
            ),
            (
                parse_quote! { struct A { #[serde(skip)] a: Tracked, #[serde(skip)] b: Tracked } },
                "`a` is a `Tracked` already",
            ),
            (
                parse_quote! { struct A { #[serde(skip)] #[den(index)] a: Tracked } },
                "not stored",
            ),
        ];
        for (input, expected) in cases {
            let mut found = messages(&document::expand(&input));
            found.retain(|it| !it.contains("has no `Base`"));
            assert_eq!(found.len(), 1, "{found:?}");
            assert!(found[0].contains(expected), "{found:?}, not {expected:?}");
        }
    }
}
