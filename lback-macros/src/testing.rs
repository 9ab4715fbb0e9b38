//! What the tests of all three attributes share.

use proc_macro2::{Group, Ident, TokenStream, TokenTree};
use quote::quote;
use syn::parse::ParseStream;
use syn::visit_mut::{self, VisitMut};
use syn::{Attribute, ImplItem, Item, ItemFn, Macro, Stmt};

/// What is written and what an attribute makes of it, as it stands in the attribute's documentation:
/// that cannot go stale, because it is compared with this.
///
/// The pages lie in `lback/docs/expansion`, since a published crate can include only files of its
/// own. `UPDATE_EXPECT=1 cargo test -p lback-macros` writes them anew.
pub(crate) fn page(introduction: &str, written: &TokenStream, made: TokenStream) -> String {
    let mut file: syn::File = syn::parse2(made).expect("the expansion is a list of items");
    // The item itself stays as it is.
    file.items.remove(0);
    Unfold.visit_file_mut(&mut file);
    let made = shortened(&quote!(#file));
    let made = pretty(&made.parse().expect("shorter paths are paths"));
    let made = made.replace("fn __submit() {", "inventory::submit! {");
    let written = pretty(written);
    format!(
        "# Expansion\n\n{introduction}\n\n```ignore\n{written}```\n\ngets beside it, but for the \
         full paths:\n\n```ignore\n{made}```\n"
    )
}

/// The code as rustfmt would nearly print it.
fn pretty(code: &TokenStream) -> String {
    prettyplease::unparse(&syn::parse2(code.clone()).expect("a list of items"))
}

fn shortened(code: &TokenStream) -> String {
    let modules = [
        ":: lback :: __private :: ",
        ":: lback :: ",
        ":: core :: option :: Option :: ",
        ":: core :: result :: Result :: ",
        ":: core :: ",
        ":: std :: ",
    ];
    let code = code.to_string();
    modules
        .iter()
        .fold(code, |code, module| code.replace(module, ""))
}

/// Turns calls of macros whose arguments are code into functions, whose bodies are formatted.
struct Unfold;

impl Unfold {
    fn body(mac: &Macro) -> Option<ItemFn> {
        let tokens = &mac.tokens;
        let name = &mac.path.segments.last()?.ident;
        (name == "submit")
            .then(|| syn::parse2(quote!(fn __submit() { #tokens })).ok())
            .flatten()
    }
}

/// What the macro around a registration makes, but for its own attributes.
fn outside(mac: &Macro) -> Option<Item> {
    let name = &mac.path.segments.last()?.ident;
    let parts = |input: ParseStream<'_>| {
        Ok((
            input.call(Attribute::parse_outer)?,
            input.parse::<Ident>()?,
            input.parse::<TokenStream>()?,
        ))
    };
    let (attributes, name, registration) = (name == "a_receiver_stands_outside_of_impl_and_trait")
        .then(|| mac.parse_body_with(parts).ok())
        .flatten()?;
    syn::parse2(quote!(#(#attributes)* enum #name { Registered = { #registration 0 } })).ok()
}

impl VisitMut for Unfold {
    fn visit_item_mut(&mut self, item: &mut Item) {
        if let Item::Macro(call) = &*item {
            if let Some(made) = outside(&call.mac) {
                *item = made;
            }
        }
        visit_mut::visit_item_mut(self, item);
    }

    fn visit_stmt_mut(&mut self, statement: &mut Stmt) {
        if let Stmt::Macro(call) = &*statement {
            if let Some(body) = Self::body(&call.mac) {
                *statement = Stmt::Item(Item::Fn(body));
            }
        }
        visit_mut::visit_stmt_mut(self, statement);
    }

    fn visit_impl_item_mut(&mut self, item: &mut ImplItem) {
        if let ImplItem::Macro(call) = &*item {
            if let Some(body) = Self::body(&call.mac) {
                *item = syn::parse2(quote!(#body)).expect("a function is also an associated one");
            }
        }
        visit_mut::visit_impl_item_mut(self, item);
    }
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
