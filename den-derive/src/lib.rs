//! stub
use proc_macro::TokenStream;
/// d
#[proc_macro_derive(Document, attributes(den))]
pub fn d(_: TokenStream) -> TokenStream { TokenStream::new() }
/// e
#[proc_macro_derive(Embedded, attributes(den))]
pub fn e(_: TokenStream) -> TokenStream { TokenStream::new() }
