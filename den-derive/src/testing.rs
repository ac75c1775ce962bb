//! What the unit tests of the derive share.

use proc_macro2::TokenStream;
use syn::{File, Item, Macro};

use crate::errors::Errors;

/// The messages of all mistakes; `Ok` for none.
pub(crate) fn mistakes(errors: Errors) -> Result<(), Vec<String>> {
    let messages = messages(&errors.into_tokens());
    if messages.is_empty() {
        Ok(())
    } else {
        Err(messages)
    }
}

/// The messages of the `compile_error!` calls in an expansion.
pub(crate) fn messages(tokens: &TokenStream) -> Vec<String> {
    let file: File = syn::parse2(tokens.clone()).unwrap();
    file.items
        .iter()
        .filter_map(|item| match item {
            Item::Macro(item) => Some(message(&item.mac)),
            _ => None,
        })
        .collect()
}

fn message(mac: &Macro) -> String {
    assert_eq!(mac.path.segments.last().unwrap().ident, "compile_error");
    mac.parse_body::<syn::LitStr>().unwrap().value()
}

/// Fails unless the expansion holds these tokens, however they are spaced.
pub(crate) fn assert_holds(expansion: &TokenStream, part: &TokenStream) {
    let bare = |it: &TokenStream| it.to_string().replace(' ', "");
    assert!(
        bare(expansion).contains(&bare(part)),
        "no\n{part}\nin\n{expansion}"
    );
}
