//! `located! { place code }`: the code, as if it stood where `place` does.

use proc_macro2::{Delimiter, Group, Span, TokenStream, TokenTree};

/// What `macro_rules!` was given keeps its own place.
pub(crate) fn expand(input: TokenStream) -> TokenStream {
    let mut input = input.into_iter();
    let place = input.next().map_or_else(Span::call_site, |at| at.span());
    moved(input, place)
}

fn moved(code: impl Iterator<Item = TokenTree>, place: Span) -> TokenStream {
    code.map(|mut tree| {
        match &mut tree {
            // The invisible brackets around a fragment.
            TokenTree::Group(group) if group.delimiter() == Delimiter::None => return tree,
            TokenTree::Group(group) => {
                let inside = moved(group.stream().into_iter(), place);
                *group = Group::new(group.delimiter(), inside);
            }
            // What it means hangs on its own span.
            TokenTree::Ident(ident) if ident == "$crate" => return tree,
            _ => {}
        }
        tree.set_span(place);
        tree
    })
    .collect()
}
