//! What `#[derive(Projection)]` expands to.

use proc_macro2::TokenStream;
use quote::{ToTokens, quote, quote_spanned};
use syn::{
    Data, DeriveInput, Expr, ExprClosure, ExprLit, Fields, Ident, Lit, LitStr, Meta, Path,
    ext::IdentExt, parse_quote, spanned::Spanned,
};

use crate::{
    den_attrs::{is_repeated, key_of, metas, text},
    errors::Errors,
    suggest::{did_you_mean, list},
};

const KEYS: &[&str] = &["document", "crate"];
const FIELD_KEYS: &[&str] = &["path", "value"];

const NEEDS_DOCUMENT: &str = "a value is computed from the fields of a document: say which, with \
                              `#[den(document = ..)]` on the struct";

/// What the attributes of the struct say.
struct Container {
    krate: Path,
    /// The document whose fields these are.
    document: Option<Path>,
}

/// Where the value of a field comes from.
enum Source {
    /// A field of the document that is called the same.
    Same,
    /// Another field, text split on dots.
    Path(LitStr),
    /// Another field, key by key.
    Keys(Vec<LitStr>),
    /// A closure over the fields.
    Value(Box<ExprClosure>),
}

/// The implementation of `Projection`.
pub(crate) fn expand(input: &DeriveInput) -> TokenStream {
    let mut errors = Errors::default();
    let expansion = expand_struct(input, &mut errors);
    let mistakes = errors.into_tokens();
    quote!(#mistakes #expansion)
}

fn expand_struct(input: &DeriveInput, errors: &mut Errors) -> TokenStream {
    let container = Container::parse(input, errors);
    let named = match &input.data {
        Data::Struct(data) => match &data.fields {
            Fields::Named(named) if !named.named.is_empty() => named,
            Fields::Named(_) | Fields::Unnamed(_) | Fields::Unit => {
                errors.push(&input.ident, "a projection has named fields, at least one");
                return TokenStream::new();
            }
        },
        Data::Enum(_) | Data::Union(_) => {
            errors.push(&input.ident, "a projection is a struct with named fields");
            return TokenStream::new();
        }
    };
    if !input.generics.params.is_empty() {
        errors.push(&input.generics, "a projection cannot be generic");
        return TokenStream::new();
    }
    let (krate, name) = (&container.krate, &input.ident);
    let mut columns = Vec::new();
    let mut reads = Vec::new();
    for field in &named.named {
        let Some(ident) = &field.ident else { continue };
        let source = Source::parse(&field.attrs, errors);
        let ty = &field.ty;
        let value = container.value(ident, &source, errors);
        let label = ident.unraw().to_string();
        let document = container.document_tokens();
        columns.push(quote_spanned! {ty.span()=>
            #krate::__private::project::<#document, _, #ty>(columns, #label, #value);
        });
        reads.push(quote_spanned!(ty.span()=> #ident: values.value()?,));
    }
    let document = container.document_tokens();
    let generics = match container.document {
        Some(_) => quote!(),
        None => quote!(<__D>),
    };
    let fields = container
        .document
        .as_ref()
        .map(|document| quote!(let fields = <#document>::fields();));
    quote! {
        #[automatically_derived]
        impl #generics #krate::Projection<#document> for #name {
            fn columns(columns: &mut #krate::__private::Columns) {
                #fields
                #(#columns)*
            }
            fn read(values: &mut #krate::__private::Values<'_>) -> #krate::Result<Self> {
                ::core::result::Result::Ok(Self { #(#reads)* })
            }
        }
    }
}

impl Container {
    fn parse(input: &DeriveInput, errors: &mut Errors) -> Self {
        let mut container = Self {
            krate: parse_quote!(::den),
            document: None,
        };
        let mut seen = Vec::new();
        for meta in metas(&input.attrs, errors) {
            let key = key_of(&meta);
            if is_repeated(&meta, &mut seen, errors) {
                continue;
            }
            match key.as_str() {
                "crate" => {
                    let path = text(&meta).and_then(|it| it.parse());
                    container.krate = errors.ok(path).unwrap_or(container.krate);
                }
                "document" => container.document = errors.ok(document(&meta)),
                _ => unknown(&meta, &key, KEYS, errors),
            }
        }
        container
    }

    fn document_tokens(&self) -> TokenStream {
        match &self.document {
            Some(document) => document.to_token_stream(),
            None => quote!(__D),
        }
    }

    /// The expression for what is selected.
    fn value(&self, ident: &Ident, source: &Source, errors: &mut Errors) -> TokenStream {
        let krate = &self.krate;
        match (source, &self.document) {
            (Source::Same, Some(_)) => quote!(fields.#ident),
            (Source::Same, None) => {
                let name = ident.unraw().to_string();
                quote!(#krate::field([#name]))
            }
            (Source::Path(path), Some(_)) => handle(path, errors),
            (Source::Path(path), None) => quote!(#krate::field(#path)),
            (Source::Keys(keys), _) => quote!(#krate::field([#(#keys),*])),
            (Source::Value(closure), Some(_)) => {
                quote!(#krate::__private::given(fields, #closure))
            }
            (Source::Value(closure), None) => {
                errors.push(closure, NEEDS_DOCUMENT);
                quote!(#krate::field("_id"))
            }
        }
    }
}

impl Source {
    fn parse(attrs: &[syn::Attribute], errors: &mut Errors) -> Self {
        let mut source = Self::Same;
        let mut seen = Vec::new();
        for meta in metas(attrs, errors) {
            let key = key_of(&meta);
            if is_repeated(&meta, &mut seen, errors) {
                continue;
            }
            let read = match key.as_str() {
                "path" => path(&meta),
                "value" => value(&meta),
                _ => {
                    unknown(&meta, &key, FIELD_KEYS, errors);
                    continue;
                }
            };
            if seen.len() > 1 {
                errors.push(&meta, "a field has a `path` or a `value`, not both");
                continue;
            }
            source = errors.ok(read).unwrap_or(source);
        }
        source
    }
}

/// The handle of a field by its path, in the names of Rust.
fn handle(path: &LitStr, errors: &mut Errors) -> TokenStream {
    let parse = |name: &str| {
        let ident = syn::parse_str::<Ident>(name)
            .or_else(|_| syn::parse_str::<Ident>(&["r#", name].concat()));
        ident.map(|mut ident| {
            ident.set_span(path.span());
            ident
        })
    };
    let text = path.value();
    let idents: syn::Result<Vec<Ident>> = text.split('.').map(parse).collect();
    match idents {
        Ok(idents) => quote!(fields #(.#idents)*),
        Err(_) => {
            errors.push(
                path,
                "this is no path of fields in Rust, such as `address.city`; for stored keys with \
                 other characters write a list: `path = [\"a.b\", \"c\"]`",
            );
            quote!(fields)
        }
    }
}

fn document(meta: &Meta) -> syn::Result<Path> {
    match value_of(meta) {
        Some(Expr::Path(path)) => Ok(path.path),
        _ => Err(syn::Error::new_spanned(
            meta,
            "write the type of the documents here: `document = Product`",
        )),
    }
}

fn path(meta: &Meta) -> syn::Result<Source> {
    let refuse = || {
        let message = "write the path here: `path = \"address.city\"`, or a list of keys: \
                       `path = [\"a.b\", \"c\"]`";
        syn::Error::new_spanned(meta, message)
    };
    let literal = |expr: &Expr| match expr {
        Expr::Lit(ExprLit {
            lit: Lit::Str(text),
            ..
        }) => Ok(text.clone()),
        _ => Err(refuse()),
    };
    match value_of(meta) {
        Some(Expr::Array(keys)) if !keys.elems.is_empty() => {
            let keys = keys.elems.iter().map(literal);
            keys.collect::<syn::Result<_>>().map(Source::Keys)
        }
        Some(other) => literal(&other).map(Source::Path),
        None => Err(refuse()),
    }
}

fn value(meta: &Meta) -> syn::Result<Source> {
    match value_of(meta) {
        Some(Expr::Closure(closure)) => Ok(Source::Value(Box::new(closure))),
        _ => Err(syn::Error::new_spanned(
            meta,
            "write a closure over the fields here: `value = |p| p.price * p.stock`",
        )),
    }
}

/// The value in `key = value`.
fn value_of(meta: &Meta) -> Option<Expr> {
    let Meta::NameValue(pair) = meta else {
        return None;
    };
    let mut value = &pair.value;
    // What a `macro_rules` parameter stood for comes in an invisible group.
    while let Expr::Group(group) = value {
        value = &group.expr;
    }
    Some(value.clone())
}

fn unknown(meta: &Meta, key: &str, known: &[&str], errors: &mut Errors) {
    let hint = did_you_mean(key, known.iter().copied(), '`');
    let known = list(known.iter().copied(), '`');
    let message = format!("a projection has no attribute `{key}` here{hint}\nknown here: {known}");
    errors.push(meta.path(), message);
}

#[cfg(test)]
mod tests {
    use syn::parse_quote;

    use super::*;
    use crate::testing::assert_holds;

    #[test]
    fn a_field_comes_from_where_it_is_said_to() {
        let expansion = expand(&parse_quote! {
            #[den(document = shop::Product)]
            struct Card {
                name: String,
                #[den(path = "address.city")] city: Option<String>,
                #[den(path = "type")] kind: String,
                #[den(path = ["a.b", "c"])] odd: i64,
                #[den(value = |p| p.price * p.stock)] worth: f64,
            }
        });
        for expected in [
            quote!(impl ::den::Projection<shop::Product> for Card),
            quote!(let fields = <shop::Product>::fields();),
            quote!(project::<shop::Product, _, String>(
                columns,
                "name",
                fields.name
            )),
            quote!(project::<shop::Product, _, Option<String>>(
                columns,
                "city",
                fields.address.city
            )),
            quote!(project::<shop::Product, _, String>(
                columns,
                "kind",
                fields.r#type
            )),
            quote!(project::<shop::Product, _, i64>(
                columns,
                "odd",
                ::den::field(["a.b", "c"])
            )),
            quote!(::den::__private::given(fields, |p| p.price * p.stock)),
        ] {
            assert_holds(&expansion, &expected);
        }
    }

    #[test]
    fn without_a_document_fields_are_named_as_stored() {
        let expansion = expand(&parse_quote! {
            struct Card {
                name: String,
                #[den(path = "address.city")] city: Option<String>,
            }
        });
        for expected in [
            quote!(impl<__D> ::den::Projection<__D> for Card),
            quote!((columns, "name", ::den::field(["name"]))),
            quote!((columns, "city", ::den::field("address.city"))),
        ] {
            assert_holds(&expansion, &expected);
        }
    }

    #[test]
    fn mistakes_say_what_to_write() {
        let cases: [(DeriveInput, &str); 11] = [
            (parse_quote! { struct A(u8); }, "named fields"),
            (parse_quote! { struct A {} }, "at least one"),
            (parse_quote! { enum A { B } }, "a struct with named fields"),
            (parse_quote! { struct A<T> { x: T } }, "cannot be generic"),
            (
                parse_quote! { #[den(documnet = B)] struct A { x: u8 } },
                "did you mean `document`?",
            ),
            (
                parse_quote! { #[den(document = "B")] struct A { x: u8 } },
                "`document = Product`",
            ),
            (
                parse_quote! { struct A { #[den(pth = "x")] x: u8 } },
                "did you mean `path`?",
            ),
            (
                parse_quote! { struct A { #[den(path = 3)] x: u8 } },
                "write the path here",
            ),
            (
                parse_quote! { struct A { #[den(value = |p| p.x)] x: u8 } },
                "`#[den(document = ..)]`",
            ),
            (
                parse_quote! { #[den(document = B)] struct A { #[den(path = "a b")] x: u8 } },
                "no path of fields",
            ),
            (
                parse_quote! {
                    #[den(document = B)] struct A { #[den(path = "a", value = |p| p.x)] x: u8 }
                },
                "not both",
            ),
        ];
        for (input, expected) in cases {
            let expansion = expand(&input).to_string();
            assert!(expansion.contains(expected), "{expansion}\nnot {expected}");
        }
    }
}
