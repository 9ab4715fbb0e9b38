//! What the tests of all three attributes share.

use proc_macro2::{Group, TokenStream, TokenTree};
use syn::Item;

/// The code as rustfmt would nearly print it.
pub(crate) fn pretty(code: &TokenStream) -> String {
    prettyplease::unparse(&syn::parse2(code.clone()).expect("the expansion is a list of items"))
}

/// What `compile_error!` would say.
pub(crate) fn errors(code: TokenStream) -> Vec<String> {
    let file: syn::File = syn::parse2(code).expect("the expansion is a list of items");
    file.items
        .into_iter()
        .filter_map(|item| match item {
            Item::Macro(item) => item.mac.parse_body::<syn::LitStr>().ok(),
            _ => None,
        })
        .map(|message| message.value())
        .collect()
}

/// The code as it is while being typed: cut after every token, open brackets closed.
pub(crate) fn half_typed(code: &TokenStream) -> Vec<TokenStream> {
    let all: Vec<TokenTree> = code.clone().into_iter().collect();
    let mut cuts = vec![TokenStream::new()];
    for (i, tree) in all.iter().enumerate() {
        let before = all[..i].iter().cloned();
        if let TokenTree::Group(group) = tree {
            cuts.extend(half_typed(&group.stream()).into_iter().map(|inside| {
                let group = TokenTree::Group(Group::new(group.delimiter(), inside));
                before.clone().chain([group]).collect()
            }));
        }
        cuts.push(all[..=i].iter().cloned().collect());
    }
    cuts
}
