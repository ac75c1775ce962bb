//! The struct of field handles: its fields, its values, and what the schema is told.

use proc_macro2::{Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::{Ident, Path, Visibility, ext::IdentExt, spanned::Spanned};

use crate::{
    fields::{Field, Form, Stored},
    stored::respan,
};

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

    /// The struct itself; `generics` go behind its name.
    pub(crate) fn definition(&self, vis: &Visibility, generics: &TokenStream) -> TokenStream {
        let name = self.ident();
        let text = name.to_string();
        let doc = format!("The fields of [`{}`], for filters and sorts.", self.owner);
        // Whether a struct has a size is asked of its last field; one of a type that den does not
        // know would make an error of each use of the struct.
        let (typed, others): (Vec<_>, Vec<_>) = self.fields.iter().partition(|it| is_typed(it));
        // One span for all that a type den does not know breaks makes one error of them.
        let span = typed
            .first()
            .map_or_else(Span::call_site, |it| it.stored.span());
        let clone = quote_spanned! {span=>
            fn clone(&self) -> Self {
                *self
            }
        };
        let fields = typed.into_iter().chain(others).filter_map(|field| {
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
            #[allow(dead_code, non_camel_case_types, non_snake_case)]
            #vis struct #name #generics { #(#fields)* }
            // Derived, these would ask the same of the document.
            #[automatically_derived]
            impl #generics ::core::clone::Clone for #name #generics {
                #clone
            }
            #[automatically_derived]
            impl #generics ::core::marker::Copy for #name #generics {}
            #[automatically_derived]
            impl #generics ::core::fmt::Debug for #name #generics {
                fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                    f.write_str(#text)
                }
            }
        }
    }

    /// The value of the struct, where `path` is that of the owner.
    pub(crate) fn value(&self) -> TokenStream {
        let name = self.ident();
        let fields = self.fields.iter().filter_map(|field| {
            let value = self.handle_value(field)?;
            let mut ident = field.ident.clone();
            if is_typed(field) {
                ident.set_span(field.stored.span());
            }
            Some(quote!(#ident: #value,))
        });
        let fallback = self.fallback();
        quote! {
            #fallback
            #name { #(#fields)* }
        }
    }

    /// Stands in for the `__den_at` of a type that is no field type, because the error that says
    /// so is enough. An inherent function goes before one of a trait.
    fn fallback(&self) -> Option<TokenStream> {
        let krate = self.krate;
        self.fields.iter().any(is_typed).then(|| {
            quote! {
                #[allow(dead_code)]
                trait __Fallback: Sized {
                    fn __den_at<D, N>(_: #krate::__private::Path) -> ! {
                        ::core::unreachable!()
                    }
                }
                #[allow(non_local_definitions)]
                impl<T> __Fallback for T {}
            }
        })
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
            Stored::Foreign { is_time: true, .. } => {
                quote!(#krate::Field<#document, #krate::Timestamp #nullable>)
            }
            Stored::Foreign { is_time: false, .. } => {
                quote!(#krate::Field<#document, #krate::Json #nullable>)
            }
            Stored::Typed { ty } | Stored::Flat { ty } => {
                let nullability = self.nullability(field);
                field_type(krate, ty, quote!(Handle<#document, #nullability>))
            }
            Stored::Base { .. } => quote!(#krate::BaseFields<#document>),
            Stored::Hidden => return None,
        })
    }

    fn handle_value(&self, field: &Field) -> Option<TokenStream> {
        let (krate, document, wire) = (self.krate, &self.document, &field.wire);
        let nullability = self.nullability(field);
        Some(match &field.stored {
            Stored::Leaf { kind, .. } | Stored::Foreign { kind, .. } => {
                let kind = kind.tokens(krate);
                quote!(#krate::Field::__new(path.child(#wire), #kind))
            }
            Stored::Typed { ty } => quote_spanned! {ty.span()=>
                <#ty>::__den_at::<#document, #nullability>(path.child(#wire))
            },
            Stored::Flat { ty } => quote_spanned! {ty.span()=>
                <#ty>::__den_at::<#document, #nullability>(path)
            },
            Stored::Base { .. } => {
                quote!(#krate::Base::<#document>::__den_at::<#document, #krate::Required>(path))
            }
            Stored::Hidden => return None,
        })
    }

    fn describe_field(&self, field: &Field) -> TokenStream {
        let (krate, document, wire) = (self.krate, &self.document, &field.wire);
        match &field.stored {
            // These say more of themselves than their kind.
            Stored::Leaf { ty, .. }
                if field.den.kind.is_none() && PLAIN.contains(&ty.to_string().as_str()) =>
            {
                let describe = field_type(krate, ty, quote!(describe));
                quote!(#describe(schema, path.child(#wire));)
            }
            Stored::Leaf { kind, .. } | Stored::Foreign { kind, .. } => {
                let kind = kind.tokens(krate);
                quote!(schema.field(path.child(#wire), #kind);)
            }
            Stored::Typed { ty } => {
                let describe = field_type(krate, ty, quote!(describe));
                let nullable = field
                    .nullable
                    .then(|| quote!(schema.nullable(path.child(#wire));));
                quote!(#nullable #describe(schema, path.child(#wire));)
            }
            Stored::Flat { ty } => {
                let describe = field_type(krate, ty, quote!(describe));
                quote! {
                    const _: fn() = || {
                        fn flattened<T: #krate::Embedded>() {}
                        flattened::<#ty>();
                    };
                    #describe(schema, path);
                }
            }
            Stored::Base { .. } => quote! {
                <#krate::Base<#document> as #krate::FieldType>::describe(schema, path);
            },
            // Nobody knows the keys of a flattened map.
            Stored::Hidden if matches!(field.form, Form::Flat { .. }) => {
                quote!(schema.open(path);)
            }
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

/// Types that are one plain value, as written.
const PLAIN: [&str; 14] = [
    "String", "bool", "i8", "i16", "i32", "i64", "isize", "u8", "u16", "u32", "u64", "usize",
    "f32", "f64",
];

/// Whether the handle is what the type of the field says through `FieldType`.
fn is_typed(field: &Field) -> bool {
    matches!(field.stored, Stored::Typed { .. } | Stored::Flat { .. })
}

/// `<ty as FieldType>::item`.
pub(crate) fn field_type(krate: &Path, ty: &TokenStream, item: TokenStream) -> TokenStream {
    let item = respan(item, ty.span());
    quote_spanned!(ty.span()=> <#ty as #krate::FieldType>::#item)
}
