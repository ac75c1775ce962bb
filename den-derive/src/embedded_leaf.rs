//! What `#[derive(Embedded)]` expands to, for types that are one value: newtypes, tuple structs,
//! enums.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote, quote_spanned};
use syn::{DataEnum, DeriveInput, Field, Fields, Path, Variant, spanned::Spanned};

use crate::{
    den_attrs::DenField,
    errors::Errors,
    fields::NOT_STORED,
    rules::WRITTEN_BY_FUNCTION,
    serde_attrs::{SerdeContainer, SerdeField},
    stored::{Kind, Shape, peel, shape},
};

const ONE_VALUE: &str = "`#[den(..)]` has no effect here, because this type is stored as one value; \
                         put it on the field that holds it";

/// What the value is stored as.
pub(crate) enum Inner {
    Known(Kind),
    /// As this type is.
    As(TokenStream),
}

/// One handle, of the type itself.
pub(crate) fn leaf(input: &DeriveInput, krate: &Path, inner: &Inner) -> TokenStream {
    let (name, vis) = (&input.ident, &input.vis);
    let kind = match inner {
        Inner::Known(kind) => kind.tokens(krate),
        Inner::As(ty) => quote_spanned!(ty.span()=> <#ty as #krate::FieldType>::KIND),
    };
    quote! {
        #[automatically_derived]
        impl #name {
            #[doc(hidden)]
            #vis const fn __den_at<__D, __N>(path: #krate::__private::Path) -> #krate::Field<__D, Self, __N> {
                #krate::Field::__new(path, <Self as #krate::FieldType>::KIND)
            }
        }
        #[automatically_derived]
        impl #krate::Literal for #name {
            type Value = Self;
        }
        #[automatically_derived]
        impl #krate::FieldType for #name {
            type Handle<__D, __N> = #krate::Field<__D, Self, __N>;
            const KIND: #krate::__private::FieldKind = #kind;
            fn handle<__D, __N>(path: #krate::__private::Path) -> #krate::Field<__D, Self, __N> {
                Self::__den_at::<__D, __N>(path)
            }
            fn describe(schema: &mut #krate::__private::Schema, path: #krate::__private::Path) {
                schema.field(path, Self::KIND);
            }
        }
    }
}

/// A tuple struct, or one that serde is told to see through.
pub(crate) fn of_struct(
    input: &DeriveInput,
    fields: &Fields,
    krate: &Path,
    errors: &mut Errors,
) -> TokenStream {
    for field in fields {
        refuse_attributes(field, errors);
    }
    let transparent = matches!(fields, Fields::Named(_));
    let stored: Vec<&Field> = fields
        .iter()
        .filter(|it| !transparent || !is_skipped(it))
        .collect();
    let inner = match stored.as_slice() {
        [] => {
            errors.push(&input.ident, "there is nothing to store in this struct");
            return TokenStream::new();
        }
        [only] => inner_of(input, only),
        _ => Inner::Known(Kind::Array),
    };
    leaf(input, krate, &inner)
}

fn inner_of(input: &DeriveInput, field: &Field) -> Inner {
    if SerdeField::parse(&field.attrs).with {
        return Inner::Known(Kind::Any);
    }
    let ty = peel(&field.ty).ty;
    match shape(ty, &input.ident) {
        Shape::Leaf { kind, .. } => Inner::Known(kind),
        Shape::Base | Shape::Typed => Inner::As(ty.to_token_stream()),
    }
}

/// What the attributes of the fields say, variant by variant: rules about links, and nothing else.
pub(crate) fn fields_of_enum(data: &DataEnum, errors: &mut Errors) -> Vec<Vec<DenField>> {
    let mut of_field = |field: &Field| {
        let den = DenField::parse(&field.attrs, errors);
        if !den.says_only_rules() {
            den.refuse(ONE_VALUE, errors);
        } else if is_skipped(field) {
            den.refuse(NOT_STORED, errors);
        } else if SerdeField::parse(&field.attrs).with {
            den.rules.refuse(WRITTEN_BY_FUNCTION, errors);
        } else {
            den.rules.check(&field.ty, errors);
        }
        den
    };
    let mut of_variant = |it: &Variant| it.fields.iter().map(&mut of_field).collect();
    data.variants.iter().map(&mut of_variant).collect()
}

/// An enum: text where serde writes the name of the variant alone.
pub(crate) fn of_enum(
    input: &DeriveInput,
    data: &DataEnum,
    serde: &SerdeContainer,
    krate: &Path,
    errors: &mut Errors,
) -> TokenStream {
    for variant in &data.variants {
        let den = DenField::parse(&variant.attrs, errors);
        den.refuse("`#[den(..)]` has no effect on a variant", errors);
    }
    leaf(input, krate, &Inner::Known(enum_kind(data, serde)))
}

fn enum_kind(data: &DataEnum, serde: &SerdeContainer) -> Kind {
    let variants: Vec<(&Variant, SerdeField)> = data
        .variants
        .iter()
        .map(|it| (it, SerdeField::parse(&it.attrs)))
        .filter(|(_, serde)| !serde.skipped)
        .collect();
    if serde.untagged.is_some() || variants.iter().any(|(_, serde)| serde.untagged) {
        return Kind::Any;
    }
    if serde.tag.is_some() || serde.content.is_some() {
        return Kind::Object;
    }
    let is_name = |(variant, serde): &(&Variant, SerdeField)| {
        matches!(variant.fields, Fields::Unit) && !serde.with
    };
    if variants.iter().all(is_name) {
        Kind::Text
    } else if variants.iter().any(is_name) {
        Kind::Any
    } else {
        Kind::Object
    }
}

fn is_skipped(field: &Field) -> bool {
    SerdeField::parse(&field.attrs).skipped
}

fn refuse_attributes(field: &Field, errors: &mut Errors) {
    DenField::parse(&field.attrs, errors).refuse(ONE_VALUE, errors);
}

#[cfg(test)]
mod tests {
    use syn::{Data, parse_quote};

    use super::*;

    #[test]
    fn enums_are_stored_as_serde_writes_them() {
        let cases: [(DeriveInput, Kind); 9] = [
            (parse_quote! { enum A { B, C } }, Kind::Text),
            (
                parse_quote! { #[serde(rename_all = "lowercase")] enum A { B, C } },
                Kind::Text,
            ),
            (
                parse_quote! { enum A { B, #[serde(skip)] C(u8) } },
                Kind::Text,
            ),
            (parse_quote! { enum A { B, C(u8) } }, Kind::Any),
            (parse_quote! { enum A { B { x: u8 }, C(u8) } }, Kind::Object),
            (
                parse_quote! { #[serde(tag = "t")] enum A { B, C } },
                Kind::Object,
            ),
            (
                parse_quote! { #[serde(tag = "t", content = "c")] enum A { B, C(u8) } },
                Kind::Object,
            ),
            (
                parse_quote! { #[serde(untagged)] enum A { B(u8), C(String) } },
                Kind::Any,
            ),
            (
                parse_quote! { enum A { B, #[serde(untagged)] C(String) } },
                Kind::Any,
            ),
        ];
        for (input, expected) in cases {
            let Data::Enum(data) = &input.data else {
                panic!("an enum")
            };
            let kind = enum_kind(data, &SerdeContainer::parse(&input.attrs));
            assert_eq!(kind, expected, "{}", input.to_token_stream());
        }
    }
}
