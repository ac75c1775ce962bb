//! The struct of field handles: its fields, its values, and what the schema is told.

use proc_macro2::TokenStream;
use quote::{format_ident, quote, quote_spanned};
use syn::{Ident, Path, Visibility, ext::IdentExt, spanned::Spanned};

use crate::fields::{Field, Stored};

/// What is needed to write the handles of one struct.
pub(crate) struct Handles<'a> {
    pub(crate) krate: &'a Path,
    /// The struct.
    pub(crate) owner: &'a Ident,
    /// The type of the document, as the handles name it.
    pub(crate) document: TokenStream,
    pub(crate) fields: &'a [Field],
}

impl Handles<'_> {
    /// The name of the struct of handles.
    pub(crate) fn ident(&self) -> Ident {
        format_ident!("{}Fields", self.owner.unraw(), span = self.owner.span())
    }

    /// Whether there is any handle.
    pub(crate) fn is_empty(&self) -> bool {
        self.fields
            .iter()
            .all(|it| matches!(it.stored, Stored::Hidden))
    }

    /// The struct itself. `generics` go behind its name, `attrs` before it.
    pub(crate) fn definition(
        &self,
        vis: &Visibility,
        attrs: &TokenStream,
        generics: &TokenStream,
    ) -> TokenStream {
        let name = self.ident();
        let doc = format!("The fields of [`{}`], for filters and sorts.", self.owner);
        let fields = self.fields.iter().filter_map(|field| {
            let ty = self.handle_type(field)?;
            let (vis, ident) = (&field.vis, &field.ident);
            let doc = format!("Stands for `{}`.", ident.unraw());
            Some(quote! {
                #[doc = #doc]
                #vis #ident: #ty,
            })
        });
        quote! {
            #[doc = #doc]
            #attrs
            #[allow(dead_code, non_camel_case_types, non_snake_case)]
            #vis struct #name #generics { #(#fields)* }
        }
    }

    /// The value of the struct, where `path` is that of the owner.
    pub(crate) fn value(&self) -> TokenStream {
        let name = self.ident();
        let fields = self.fields.iter().filter_map(|field| {
            let value = self.handle_value(field)?;
            let ident = &field.ident;
            Some(quote!(#ident: #value,))
        });
        quote!(#name { #(#fields)* })
    }

    /// The statements that tell `schema` about the fields, where `path` is that of the owner.
    pub(crate) fn describe(&self) -> TokenStream {
        self.fields
            .iter()
            .map(|it| self.describe_field(it))
            .collect()
    }

    fn handle_type(&self, field: &Field) -> Option<TokenStream> {
        let (krate, document) = (self.krate, &self.document);
        let nullable = field.nullable.then(|| quote!(, #krate::Nullable));
        Some(match &field.stored {
            Stored::Leaf { ty, .. } => quote!(#krate::Field<#document, #ty #nullable>),
            Stored::Foreign { .. } => quote!(#krate::Field<#document, #krate::Json #nullable>),
            Stored::Typed { ty } | Stored::Flat { ty } => {
                let nullability = self.nullability(field);
                quote_spanned!(ty.span()=> <#ty as #krate::FieldType>::Handle<#document, #nullability>)
            }
            Stored::Base => quote!(#krate::BaseFields<#document>),
            Stored::Hidden => return None,
        })
    }

    fn handle_value(&self, field: &Field) -> Option<TokenStream> {
        let (krate, document, wire) = (self.krate, &self.document, &field.wire);
        let nullability = self.nullability(field);
        Some(match &field.stored {
            Stored::Leaf { kind, .. } | Stored::Foreign { kind } => {
                let kind = kind.tokens(krate);
                quote!(#krate::Field::__new(path.child(#wire), #kind))
            }
            Stored::Typed { ty } => quote_spanned! {ty.span()=>
                <#ty>::__den_at::<#document, #nullability>(path.child(#wire))
            },
            Stored::Flat { ty } => quote_spanned! {ty.span()=>
                <#ty>::__den_at::<#document, #nullability>(path)
            },
            Stored::Base => {
                quote!(#krate::Base::<#document>::__den_at::<#document, #krate::Required>(path))
            }
            Stored::Hidden => return None,
        })
    }

    fn describe_field(&self, field: &Field) -> TokenStream {
        let (krate, document, wire) = (self.krate, &self.document, &field.wire);
        match &field.stored {
            Stored::Leaf { kind, .. } | Stored::Foreign { kind } => {
                let kind = kind.tokens(krate);
                quote!(schema.field(path.child(#wire), #kind);)
            }
            Stored::Typed { ty } => quote_spanned! {ty.span()=>
                <#ty as #krate::FieldType>::describe(schema, path.child(#wire));
            },
            Stored::Flat { ty } => quote_spanned! {ty.span()=>
                <#ty as #krate::FieldType>::describe(schema, path);
            },
            Stored::Base => quote! {
                <#krate::Base<#document> as #krate::FieldType>::describe(schema, path);
            },
            Stored::Hidden => quote!(),
        }
    }

    fn nullability(&self, field: &Field) -> TokenStream {
        let krate = self.krate;
        if field.nullable {
            quote!(#krate::Nullable)
        } else {
            quote!(#krate::Required)
        }
    }
}
