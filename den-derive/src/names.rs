//! The names of the fields in Rust and in the stored document, for the paths of violations.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Ident, Path, ext::IdentExt};

use crate::{
    fields::{Field, Form},
    rules::is_plain,
};

/// The implementation of `Named`.
pub(crate) fn named(krate: &Path, owner: &Ident, fields: &[Field]) -> TokenStream {
    let names = fields.iter().map(|field| {
        let (name, ty) = (field.ident.unraw().to_string(), &field.ty);
        let is_plain = is_plain(ty);
        match field.form {
            // Rules about what a function writes are about the field as a whole.
            Form::Keyed { foreign } => {
                let key = &field.wire;
                if foreign || is_plain {
                    quote!(__Name::plain(#name, #key),)
                } else {
                    quote!(__Name::keyed(#name, #key, __Fields::<#ty>::list),)
                }
            }
            Form::Flat { .. } if is_plain => TokenStream::new(),
            Form::Flat { .. } => quote!(__Name::flattened(#name, __Fields::<#ty>::list),),
            Form::Hidden => TokenStream::new(),
        }
    });
    quote! {
        #[automatically_derived]
        impl #krate::__private::Named for #owner {
            const FIELD_NAMES: &'static [#krate::__private::FieldName] = {
                #[allow(unused_imports)]
                use #krate::__private::{FieldName as __Name, FieldsOf as __Fields, Unnamed as _};
                &[#(#names)*]
            };
        }
    }
}

#[cfg(test)]
mod tests {
    use quote::quote;
    use syn::parse_quote;

    use crate::{document, testing::assert_holds};

    #[test]
    fn each_field_has_both_its_names() {
        let expansion = document::expand(&parse_quote! {
            #[serde(rename_all = "camelCase")]
            struct Order {
                #[serde(flatten)] base: Base<Order>,
                unit_price: f64,
                #[serde(rename = "kind")] r#type: String,
                order_lines: Vec<Line>,
                #[serde(flatten)] meta: Meta,
                #[serde(with = "w")] when: Time,
                #[serde(skip)] in_hand: Cache,
            }
        });
        assert_holds(
            &expansion,
            &quote! {
                &[
                    __Name::plain("unit_price", "unitPrice"),
                    __Name::plain("type", "kind"),
                    __Name::keyed("order_lines", "orderLines", __Fields::<Vec<Line> >::list),
                    __Name::flattened("meta", __Fields::<Meta>::list),
                    __Name::plain("when", "when"),
                ]
            },
        );
    }
}
