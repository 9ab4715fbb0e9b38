//! The attribute's arguments as they are written.

use proc_macro2::{Ident, TokenStream};
use syn::parse::{ParseStream, Parser};
use syn::{Attribute, Expr, LitStr, Meta, Path, Token};

use crate::mistake::Mistakes;
use crate::option::comma;

/// One of the arguments.
pub(super) enum Argument {
    /// A signal, or a phase.
    Path(Path),
    /// `name = value`.
    Option(Ident, Expr),
    /// A signal, wrongly in quotes.
    Quoted(LitStr),
}

/// All that is written between the brackets.
pub(super) struct Arguments {
    pub(super) all: Vec<Argument>,
    /// A mistake has hidden what comes after it.
    pub(super) is_cut_short: bool,
}

// user_post_create
// after_commit
// order = -10
// before = path, before = [path, path]
// when = |user: &User| user.is_active
// on_error = "isolate"
pub(super) fn arguments(attr: TokenStream, mistakes: &mut Mistakes) -> Arguments {
    let mut all = Vec::new();
    let parser = |input: ParseStream<'_>| {
        while !input.is_empty() {
            all.push(argument(input)?);
            if !comma(input)? {
                break;
            }
        }
        Ok(())
    };
    let parsed = parser.parse2(attr);
    let is_cut_short = mistakes.value(parsed).is_none();
    Arguments { all, is_cut_short }
}

fn argument(input: ParseStream<'_>) -> syn::Result<Argument> {
    if input.peek(LitStr) {
        return input.parse().map(Argument::Quoted);
    }
    let path: Path = input.parse().map_err(|error| {
        syn::Error::new(
            error.span(),
            "expected a signal, such as `user_post_create`, or an option",
        )
    })?;
    if !input.peek(Token![=]) {
        return Ok(Argument::Path(path));
    }
    let Ok(name) = path.require_ident().cloned() else {
        return Err(syn::Error::new_spanned(
            path,
            "an option has a simple name, such as `order`",
        ));
    };
    input.parse::<Token![=]>()?;
    let value = input.parse().map_err(|error| {
        let message = format!("the value of `{name}` cannot be read: {error}");
        syn::Error::new(error.span(), message)
    })?;
    Ok(Argument::Option(name, value))
}

/// Takes away the further `#[receiver(..)]` on a function: what stands between their brackets.
pub(super) fn take_further(attrs: &mut Vec<Attribute>) -> impl Iterator<Item = TokenStream> {
    let (further, others) = std::mem::take(attrs)
        .into_iter()
        .partition(|attr| is_receiver(attr) && matches!(attr.meta, Meta::List(_)));
    *attrs = others;
    let further: Vec<Attribute> = further;
    further.into_iter().filter_map(|attr| match attr.meta {
        Meta::List(list) => Some(list.tokens),
        Meta::Path(_) | Meta::NameValue(_) => None,
    })
}

/// Whether this is the attribute that is expanded here, by its name.
pub(super) fn is_receiver(attr: &Attribute) -> bool {
    attr.path()
        .segments
        .last()
        .is_some_and(|segment| segment.ident == "receiver")
}

/// Why the item is refused: it is something else, or a function that is not written to its end.
pub(super) fn not_a_function(item: &TokenStream, error: syn::Error) -> syn::Error {
    match syn::parse2::<syn::Item>(item.clone()) {
        Ok(other) if !matches!(other, syn::Item::Fn(_) | syn::Item::Verbatim(_)) => {
            syn::Error::new(
                proc_macro2::Span::call_site(),
                "`#[receiver]` belongs on a function: `fn name(user: &User) { .. }`",
            )
        }
        _ => error,
    }
}
