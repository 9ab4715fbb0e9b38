//! `crate = path`: where the runtime is, if it is not `::lback`.

use proc_macro2::{Group, Spacing, TokenStream, TokenTree};
use quote::{ToTokens, quote};
use syn::Path;
use syn::parse::Parser;

/// Where the expansion looks for the runtime.
pub(crate) struct Root(Option<syn::Result<Path>>);

impl Root {
    /// Takes `crate = path` out of an attribute's arguments.
    pub(crate) fn take(attr: TokenStream) -> (Self, TokenStream) {
        let mut root = None;
        let mut rest: Vec<TokenStream> = Vec::new();
        for argument in arguments(attr.clone()) {
            match value(&argument) {
                Some(value) => root = Some(path(value)),
                None => rest.push(argument),
            }
        }
        if root.is_none() {
            // With the places of its commas, too.
            return (Self(None), attr);
        }
        let rest = rest.into_iter().enumerate().map(|(i, argument)| {
            let comma = (i > 0).then(|| quote!(,));
            quote!(#comma #argument)
        });
        (Self(root), rest.collect())
    }

    pub(crate) fn is_given(&self) -> bool {
        self.0.is_some()
    }

    /// The expansion with this root in the place of `::lback`.
    pub(crate) fn put_into(self, expansion: TokenStream) -> TokenStream {
        match self.0 {
            None => expansion,
            Some(Ok(path)) => replaced(expansion, &path.into_token_stream()),
            Some(Err(error)) => {
                let error = error.to_compile_error();
                quote!(#expansion #error)
            }
        }
    }
}

/// What stands between the commas; a trailing one is kept as it was written.
fn arguments(attr: TokenStream) -> Vec<TokenStream> {
    let mut all = vec![TokenStream::new()];
    for token in attr {
        match token {
            TokenTree::Punct(comma) if comma.as_char() == ',' => all.push(TokenStream::new()),
            token => {
                if let Some(last) = all.last_mut() {
                    last.extend([token]);
                }
            }
        }
    }
    all
}

/// What stands behind `crate =`.
fn value(argument: &TokenStream) -> Option<TokenStream> {
    let mut tokens = argument.clone().into_iter();
    let is_crate = matches!(tokens.next(), Some(TokenTree::Ident(name)) if name == "crate");
    let is_given = matches!(
        tokens.next(),
        Some(TokenTree::Punct(sign)) if sign.as_char() == '=' && sign.spacing() == Spacing::Alone
    );
    (is_crate && is_given).then(|| tokens.collect())
}

fn path(value: TokenStream) -> syn::Result<Path> {
    Path::parse_mod_style.parse2(value).map_err(|error| {
        let message = "where `lback` is to be found, as a path: `crate = my_framework::lback`";
        syn::Error::new(error.span(), message)
    })
}

fn replaced(tokens: TokenStream, root: &TokenStream) -> TokenStream {
    let all: Vec<TokenTree> = tokens.into_iter().collect();
    let mut result = TokenStream::new();
    let mut i = 0;
    while i < all.len() {
        if is_root(&all[i..]) && !(i > 0 && is_segment(&all[i - 1])) {
            result.extend(root.clone());
            i += 3;
            continue;
        }
        result.extend([match &all[i] {
            TokenTree::Group(group) => {
                let mut inner = Group::new(group.delimiter(), replaced(group.stream(), root));
                inner.set_span(group.span());
                TokenTree::Group(inner)
            }
            other => other.clone(),
        }]);
        i += 1;
    }
    result
}

/// Whether `::lback` stands here.
fn is_root(tokens: &[TokenTree]) -> bool {
    matches!(
        tokens,
        [TokenTree::Punct(first), TokenTree::Punct(second), TokenTree::Ident(name), ..]
            if first.as_char() == ':'
                && first.spacing() == Spacing::Joint
                && second.as_char() == ':'
                && name == "lback"
    )
}

/// Whether a path goes on behind this: behind a name, and not behind `as` or `impl`.
fn is_segment(token: &TokenTree) -> bool {
    let TokenTree::Ident(name) = token else {
        return false;
    };
    matches!(
        name.to_string().as_str(),
        "crate" | "self" | "super" | "Self"
    ) || syn::parse2::<syn::Ident>(name.to_token_stream()).is_ok()
}

#[cfg(test)]
mod tests {
    use quote::quote;

    use super::Root;

    #[test]
    fn the_root_is_taken_out_and_put_in() {
        let (root, rest) = Root::take(quote!(user_post_create, crate = kit::lback, order = -1));
        assert_eq!(
            rest.to_string(),
            quote!(user_post_create, order = -1).to_string()
        );
        let made = root.put_into(quote! {
            const _: () = { let x: <u8 as ::lback::A>::B<&u8> = ::lback::f(a::lback::b, x: ::core::Y); };
        });
        let expected = quote! {
            const _: () = { let x: <u8 as kit::lback::A>::B<&u8> = kit::lback::f(a::lback::b, x: ::core::Y); };
        };
        assert_eq!(made.to_string(), expected.to_string());
    }

    #[test]
    fn nothing_changes_without_it() {
        let (root, rest) = Root::take(quote!(user_post_create, when = |a: &A, b: &B| a == b));
        assert!(!root.is_given());
        assert_eq!(
            rest.to_string(),
            quote!(user_post_create, when = |a: &A, b: &B| a == b).to_string()
        );
    }

    #[test]
    fn what_is_no_path_is_refused() {
        let (root, _) = Root::take(quote!(crate = "lback"));
        let made = root.put_into(quote!()).to_string();
        assert!(made.contains("where `lback` is to be found"), "{made}");
    }
}
