//! What a type holds besides plain values: the implementations of `Contains` and `Holds`.

use proc_macro2::TokenStream;
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::{DataEnum, DeriveInput, Fields, Ident, Path, Type, Variant, spanned::Spanned};

use crate::{
    den_attrs::DenField,
    errors::Errors,
    fields::{Field, Form},
    rules::{Rules, WRITTEN_BY_FUNCTION, has_link, is_plain},
    serde_attrs::{SerdeContainer, SerdeField},
    stored::respan,
};

/// A value in which there may be links or attachments.
struct Slot<'a> {
    ty: &'a Type,
    /// The value in `self`: a field, or a binding of a pattern.
    value: Value,
    /// The keys from the owner to the value; of a field, its own is the last.
    way: Vec<Step>,
    /// Whether serde writes the value as it is, so that the way leads to it.
    is_found: bool,
    rules: Option<&'a Rules>,
}

enum Value {
    /// `self.name`.
    Field(TokenStream),
    /// A reference that is at hand.
    Bound(Ident),
}

enum Step {
    Key(String),
    Element,
}

/// A function of `Holds`.
#[derive(Clone, Copy)]
enum Function {
    Describe,
    Visit,
    Remove,
    Attachments,
}

/// Of a struct with named fields that are stored under their keys.
pub(crate) fn of_fields(
    krate: &Path,
    name: &Ident,
    fields: &[Field],
    errors: &mut Errors,
) -> TokenStream {
    let mut slots = Vec::new();
    for field in fields {
        let (way, is_found) = match field.form {
            Form::Hidden => continue,
            Form::Flat { foreign } => (Vec::new(), !foreign),
            Form::Keyed { foreign } => (vec![Step::Key(field.wire.clone())], !foreign),
        };
        check_rules(field, errors);
        let ident = &field.ident;
        slots.push(Slot {
            ty: &field.ty,
            value: Value::Field(ident.to_token_stream()),
            way,
            is_found,
            rules: Some(&field.den.rules),
        });
    }
    let expansion = Expansion::new(krate, name, slots);
    expansion.of_struct(false)
}

/// A flattened field refuses all attributes where it is read, so only the others are left.
fn check_rules(field: &Field, errors: &mut Errors) {
    let rules = &field.den.rules;
    match field.form {
        Form::Hidden | Form::Flat { .. } => {}
        Form::Keyed { foreign: true } => rules.refuse(WRITTEN_BY_FUNCTION, errors),
        Form::Keyed { foreign: false } => rules.check(&field.ty, errors),
    }
}

/// Of a struct that is stored as one value: a newtype, a tuple, or one that serde sees through.
/// `is_found` tells whether it is stored as serde would do it.
pub(crate) fn of_value(
    krate: &Path,
    input: &DeriveInput,
    fields: &Fields,
    is_found: bool,
) -> TokenStream {
    let stored: Vec<_> = fields
        .iter()
        .enumerate()
        .filter(|(_, it)| !SerdeField::parse(&it.attrs).skipped)
        .collect();
    // Of one field of a tuple, serde writes the value alone only if there is no other, skipped or
    // not.
    let is_alone = match fields {
        Fields::Unnamed(unnamed) => unnamed.unnamed.len() == 1,
        Fields::Named(_) | Fields::Unit => stored.len() == 1,
    };
    let slots = stored.into_iter().map(|(at, field)| {
        let index = syn::Index::from(at);
        let ident = field.ident.as_ref();
        Slot {
            ty: &field.ty,
            value: Value::Field(ident.map_or(quote!(#index), ToTokens::to_token_stream)),
            way: if is_alone {
                vec![]
            } else {
                vec![Step::Element]
            },
            is_found: is_found && !SerdeField::parse(&field.attrs).with,
            rules: None,
        }
    });
    Expansion::new(krate, &input.ident, slots.collect()).of_struct(is_alone)
}

/// Of an enum; `dens` has the attributes of the fields, variant by variant.
pub(crate) fn of_enum(
    krate: &Path,
    input: &DeriveInput,
    data: &DataEnum,
    dens: &[Vec<DenField>],
    serde: &SerdeContainer,
    is_found: bool,
) -> TokenStream {
    let mut arms = Vec::new();
    for (variant, dens) in data.variants.iter().zip(dens) {
        let attributes = SerdeField::parse(&variant.attrs);
        if attributes.skipped {
            continue;
        }
        let inside = SerdeContainer::parse(&variant.attrs).of_variant(serde);
        let outer = way_to(variant, &attributes, serde);
        let slots = variant.fields.iter().zip(dens).enumerate();
        let slots = slots.filter_map(|(at, (field, den))| {
            let own = SerdeField::parse(&field.attrs);
            if own.skipped {
                return None;
            }
            let mut way: Vec<Step> = outer.iter().cloned().map(Step::Key).collect();
            match &field.ident {
                Some(_) if own.flatten => {}
                Some(ident) => way.push(Step::Key(own.written_name(ident, &inside))),
                None if variant.fields.len() == 1 => {}
                None => way.push(Step::Element),
            }
            Some(Slot {
                ty: &field.ty,
                value: Value::Bound(format_ident!("__{at}")),
                way,
                is_found: is_found && !own.with && !attributes.with,
                rules: Some(&den.rules),
            })
        });
        arms.push((&variant.ident, &variant.fields, slots.collect::<Vec<_>>()));
    }
    Expansion::of_arms(krate, &input.ident, arms, data.variants.len())
}

/// The key under which serde puts the content of a variant.
fn way_to(variant: &Variant, attributes: &SerdeField, serde: &SerdeContainer) -> Option<String> {
    if serde.untagged.is_some() || attributes.untagged {
        None
    } else if serde.tag.is_some() {
        serde.content.as_ref().map(syn::LitStr::value)
    } else {
        Some(attributes.written_variant(&variant.ident, serde))
    }
}

struct Expansion<'a> {
    krate: &'a Path,
    name: &'a Ident,
    slots: Vec<Slot<'a>>,
}

impl<'a> Expansion<'a> {
    fn new(krate: &'a Path, name: &'a Ident, slots: Vec<Slot<'a>>) -> Self {
        let slots = slots.into_iter().filter(|it| !is_plain(it.ty)).collect();
        Self { krate, name, slots }
    }

    /// `is_alone`: the only slot is the value itself, which its holder takes out with it.
    fn of_struct(&self, is_alone: bool) -> TokenStream {
        self.around(|function| {
            if let (Function::Remove, true, [only]) = (function, is_alone, self.slots.as_slice()) {
                return self.call(only, function);
            }
            let calls = self.slots.iter().map(|it| self.statement(it, function));
            let answer = function.answer();
            quote!(#(#calls)* #answer)
        })
    }

    fn of_arms(
        krate: &'a Path,
        name: &'a Ident,
        arms: Vec<(&Ident, &Fields, Vec<Slot<'a>>)>,
        variants: usize,
    ) -> TokenStream {
        let mut slots = Vec::new();
        let mut heads = Vec::new();
        for (variant, fields, of_variant) in arms {
            let kept: Vec<_> = of_variant
                .into_iter()
                .filter(|it| !is_plain(it.ty))
                .collect();
            if kept.is_empty() {
                continue;
            }
            let members = fields.members().enumerate();
            let pattern = members.filter_map(|(at, member)| {
                let bound = format_ident!("__{at}");
                let is_kept = kept.iter().any(|it| match &it.value {
                    Value::Bound(ident) => *ident == bound,
                    Value::Field(_) => false,
                });
                is_kept.then(|| quote!(#member: #bound,))
            });
            heads.push((quote!(Self::#variant { #(#pattern)* .. }), kept.len()));
            slots.extend(kept);
        }
        let rest = (heads.len() < variants).then(|| quote!(_ => {}));
        let this = Self { krate, name, slots };
        this.around(|function| {
            if let Function::Describe = function {
                let calls = this.slots.iter().map(|it| this.statement(it, function));
                return quote!(#(#calls)*);
            }
            let mut slots = this.slots.iter();
            let arms = heads.iter().map(|(pattern, count)| {
                let slots = slots.by_ref().take(*count);
                let calls: TokenStream = slots.map(|it| this.statement(it, function)).collect();
                quote!(#pattern => { #calls })
            });
            let answer = function.answer();
            quote!(match self { #(#arms)* #rest } #answer)
        })
    }

    /// The implementations, with what `body` makes of each function.
    fn around(&self, body: impl Fn(Function) -> TokenStream) -> TokenStream {
        let (krate, name) = (self.krate, self.name);
        let private = quote!(#krate::__private);
        if self.slots.is_empty() {
            return quote! {
                #[automatically_derived]
                impl<__N> #private::Contains<__N> for #name {}
                #[automatically_derived]
                impl #private::Holds for #name {}
            };
        }
        let contents = self.slots.iter().map(|slot| {
            let ty = slot.ty;
            let is_keyed = slot.way.iter().any(|it| matches!(it, Step::Key(_)));
            let keyed = (is_keyed || !slot.is_found).then(|| {
                let eager = slot.rules.is_some_and(|it| it.eager.is_some());
                let owned = slot.rules.is_some_and(|it| it.owned.is_some());
                quote!(.keyed(#eager, #owned))
            });
            quote!(.and(#private::Look::<#ty, __N>::CONTENTS #keyed))
        });
        let checks = self.slots.iter().map(|it| self.checks(it));
        let functions = [
            Function::Describe,
            Function::Visit,
            Function::Remove,
            Function::Attachments,
        ];
        let functions = functions.into_iter().map(|it| {
            let (head, body) = (it.head(krate), body(it));
            quote!(#head { #body })
        });
        quote! {
            const _: () = {
                #[allow(unused_imports)]
                use #private::{ContainsNothing as _, HoldsNothing as _};
                #(#checks)*
                #[automatically_derived]
                impl<__N: #private::Depth> #private::Contains<__N> for #name {
                    const CONTENTS: #private::Contents = #private::Contents::NOTHING #(#contents)*;
                }
                #[automatically_derived]
                impl #private::Holds for #name { #(#functions)* }
            };
        }
    }

    /// What only the compiler knows of a type.
    fn checks(&self, slot: &Slot<'_>) -> TokenStream {
        let (krate, name, ty) = (self.krate, self.name, slot.ty);
        let ty = crate::stored::without_self(ty.to_token_stream(), name);
        let mut checks = TokenStream::new();
        if has_link(slot.ty) {
            // Where a link is in sight, not finding it would be a surprise.
            let ty = respan(ty.clone(), slot.ty.span());
            checks.extend(quote_spanned! {slot.ty.span()=>
                const _: fn() = || {
                    fn holds<T: #krate::__private::Holds>() {}
                    holds::<#ty>();
                };
            });
        }
        if let Some(rules) = slot.rules.filter(|it| it.is_doubtful(slot.ty)) {
            let at = rules.first().map(Spanned::span);
            let at = at.unwrap_or_else(|| slot.ty.span());
            let message = "this is about links, and none lies directly in a field of this type: \
                           put the attribute on the link itself, inside of the type";
            checks.extend(quote_spanned! {at=>
                const _: () = ::core::assert!(
                    #krate::__private::Look::<#ty, #krate::__private::Whole>::CONTENTS.bare,
                    #message
                );
            });
        }
        checks
    }

    fn statement(&self, slot: &Slot<'_>, function: Function) -> TokenStream {
        if let (Function::Describe, false) = (function, slot.is_found) {
            return TokenStream::new();
        }
        let call = self.call(slot, function);
        let private = self.private();
        let steps = match function {
            Function::Describe | Function::Visit => slot.way.as_slice(),
            Function::Remove => return quote!(let _ = #call;),
            Function::Attachments => return quote!(#call;),
        };
        let mut steps: Vec<&Step> = steps.iter().collect();
        let mut nested = call;
        let mut rules = slot.rules;
        while let Some(step) = steps.pop() {
            nested = match step {
                Step::Key(key) => {
                    // The rules are those of the innermost key.
                    let rules = rules.take().map_or_else(
                        || quote!(::core::default::Default::default()),
                        |it| it.tokens(self.krate),
                    );
                    quote!(trail.key(#key, #rules, |trail| #nested))
                }
                Step::Element => quote!(trail.step(#private::Step::Element, |trail| #nested)),
            };
        }
        quote!(#nested;)
    }

    fn call(&self, slot: &Slot<'_>, function: Function) -> TokenStream {
        let (private, ty) = (self.private(), slot.ty);
        let probe = quote!(#private::Probe::<#ty>);
        let (shared, unique) = match &slot.value {
            Value::Field(name) => (quote!(&self.#name), quote!(&mut self.#name)),
            Value::Bound(name) => (quote!(#name), quote!(#name)),
        };
        match function {
            Function::Describe => quote!(#probe::describe_links(trail, each)),
            Function::Visit => quote!(#probe::visit_links(#unique, trail, visit)),
            Function::Remove => quote!(#probe::remove_links(#unique, is_gone)),
            Function::Attachments => quote!(#probe::visit_attachments(#shared, visit)),
        }
    }

    fn private(&self) -> TokenStream {
        let krate = self.krate;
        quote!(#krate::__private)
    }
}

impl Function {
    fn head(self, krate: &Path) -> TokenStream {
        let private = quote!(#krate::__private);
        match self {
            Self::Describe => quote! {
                fn describe_links(
                    trail: &mut #private::Trail,
                    each: &mut dyn ::core::ops::FnMut(#private::LinkMeta),
                )
            },
            Self::Visit => quote! {
                fn visit_links(
                    &mut self,
                    trail: &mut #private::Trail,
                    visit: #private::VisitLink<'_>,
                )
            },
            Self::Remove => quote! {
                fn remove_links(&mut self, is_gone: #private::IsGone<'_>) -> bool
            },
            Self::Attachments => quote! {
                fn visit_attachments(&self, visit: &mut dyn ::core::ops::FnMut(&#krate::Attachment))
            },
        }
    }

    fn answer(self) -> TokenStream {
        match self {
            Self::Remove => quote!(false),
            Self::Describe | Self::Visit | Self::Attachments => TokenStream::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use syn::parse_quote;

    use crate::{
        document, embedded,
        testing::{assert_holds, messages},
    };

    use super::*;

    #[test]
    fn what_obviously_holds_nothing_is_not_asked() {
        let expansion = document::expand(&parse_quote! {
            struct A {
                #[serde(flatten)] base: Base<A>,
                name: String,
                sizes: Vec<u8>,
                #[serde(skip)] cache: Link<B>,
            }
        });
        assert_holds(&expansion, &quote!(impl ::den::__private::Holds for A {}));
    }

    #[test]
    fn links_are_looked_for_under_their_keys() {
        let expansion = document::expand(&parse_quote! {
            struct A {
                #[serde(flatten)] base: Base<A>,
                #[den(eager, on_delete = "restrict")] #[serde(rename = "b c")] b: Link<B>,
                #[serde(flatten)] more: More,
                #[serde(with = "w")] other: Other,
            }
        });
        assert_eq!(messages(&expansion), Vec::<String>::new());
        let rules = quote!(::den::__private::LinkRules {
            eager: true,
            on_delete: ::den::OnDelete::Restrict,
            owned: false,
        });
        for part in [
            quote!(::den::__private::Look::<Link<B>, __N>::CONTENTS.keyed(true, false)),
            quote!(.and(::den::__private::Look::<More, __N>::CONTENTS)),
            quote!(trail.key("b c", #rules, |trail| ::den::__private::Probe::<Link<B> >::describe_links(trail, each));),
            quote!(::den::__private::Probe::<More>::visit_links(&mut self.more, trail, visit);),
            quote!(::den::__private::Probe::<Other>::visit_attachments(&self.other, visit);),
        ] {
            assert_holds(&expansion, &part);
        }
        assert!(!expansion.to_string().contains("Other > :: describe_links"));
    }

    #[test]
    fn only_a_newtype_is_taken_out_with_its_link() {
        let link: Type = parse_quote!(Link<B>);
        let remove =
            quote!({ ::den::__private::Probe::<#link>::remove_links(&mut self.0, is_gone) });
        let newtype = embedded::expand(&parse_quote! { struct A(Link<B>); });
        assert_holds(&newtype, &remove);
        let pair = embedded::expand(&parse_quote! { struct A(Link<B>, #[serde(skip)] u8); });
        assert!(!pair.to_string().contains(&remove.to_string()));
    }

    #[test]
    fn fields_of_enums_take_rules_and_nothing_else() {
        let expansion = embedded::expand(&parse_quote! {
            enum A { B { #[den(eager)] link: Link<C> }, D }
        });
        assert_eq!(messages(&expansion), Vec::<String>::new());
        assert_holds(&expansion, &quote!(Self::B { link: __0, .. } =>));
        let cases: [(DeriveInput, &str); 4] = [
            (
                parse_quote! { enum A { B { #[den(eager, index)] link: Link<C> } } },
                "no effect",
            ),
            (
                parse_quote! { enum A { B(#[den(eager)] String) } },
                "there are none",
            ),
            (
                parse_quote! { enum A { B(#[den(eager)] #[serde(skip)] Link<C>) } },
                "not stored",
            ),
            (
                parse_quote! { enum A { B(#[den(owned)] #[serde(with = "w")] Link<C>) } },
                "a function writes this field",
            ),
        ];
        for (input, expected) in cases {
            let found = messages(&embedded::expand(&input));
            assert_eq!(found.len(), 1, "{found:?}");
            assert!(found[0].contains(expected), "{found:?}, not {expected:?}");
        }
    }
}
