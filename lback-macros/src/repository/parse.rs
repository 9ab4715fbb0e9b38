//! The attribute's options and the struct as they are written.

use proc_macro2::{Span, TokenStream};
use syn::parse::{Parse, ParseStream, Parser};
use syn::{Expr, Ident, Item, ItemStruct, LitStr, Path, Token, Type};

use crate::mistake::Mistakes;
use crate::option::{Given, comma, nearest, no_such, set};

const OPTIONS: [&str; 12] = [
    "entity",
    "table",
    "insert",
    "update",
    "connection",
    "name",
    "backend",
    "given_key",
    "version",
    "reread",
    "shared_entity",
    "changes",
];

/// What is written between the brackets.
#[derive(Default)]
pub(super) struct Options {
    pub(super) entity: Option<Given<Path>>,
    pub(super) table: Option<Given<Path>>,
    pub(super) insert: Option<Given<Type>>,
    pub(super) update: Option<Given<Type>>,
    pub(super) connection: Option<Given<Type>>,
    pub(super) name: Option<Given<LitStr>>,
    pub(super) backend: Option<Given<Ident>>,
    pub(super) given_key: Option<Given<Fields>>,
    pub(super) version: Option<Given<Ident>>,
    pub(super) reread: Option<Given<()>>,
    pub(super) shared_entity: Option<Given<()>>,
    pub(super) changes: Option<Given<()>>,
    /// What unknown options were probably meant to be: they are not missing too.
    pub(super) guessed: Vec<&'static str>,
    /// A mistake has hidden what comes after it.
    pub(super) is_cut_short: bool,
}

// entity = Post, table = schema::posts, insert = NewPost, update = PostChanges
// connection = PgConnection
// name = "post"
// backend = sqlite
// given_key = id
// given_key = (follower, followed)
// version = lock_version
// reread
// shared_entity
// changes
pub(super) fn options(attr: TokenStream, mistakes: &mut Mistakes) -> Options {
    let mut options = Options::default();
    let parser = |input: ParseStream<'_>| {
        while !input.is_empty() {
            option(input, &mut options, mistakes)?;
            if !comma(input)? {
                break;
            }
        }
        Ok(())
    };
    let parsed = parser.parse2(attr);
    options.is_cut_short = mistakes.value(parsed).is_none();
    options
}

fn option(
    input: ParseStream<'_>,
    options: &mut Options,
    mistakes: &mut Mistakes,
) -> syn::Result<()> {
    let name: Ident = input.parse()?;
    match name.to_string().as_str() {
        "entity" => set(&mut options.entity, name, value(input)?, mistakes),
        "table" => {
            let table = table(input, mistakes)?;
            set(&mut options.table, name, table, mistakes);
        }
        "insert" => set(&mut options.insert, name, value(input)?, mistakes),
        "update" => set(&mut options.update, name, value(input)?, mistakes),
        "connection" => set(&mut options.connection, name, value(input)?, mistakes),
        "name" => set(&mut options.name, name, value(input)?, mistakes),
        "backend" => set(&mut options.backend, name, value(input)?, mistakes),
        "given_key" => set(&mut options.given_key, name, value(input)?, mistakes),
        "version" => set(&mut options.version, name, value(input)?, mistakes),
        "reread" => set(&mut options.reread, name, (), mistakes),
        "changes" => set(&mut options.changes, name, (), mistakes),
        "shared_entity" => set(&mut options.shared_entity, name, (), mistakes),
        _ => {
            mistakes.add(&name, no_such(&name, &OPTIONS));
            options.guessed.extend(nearest(&name.to_string(), &OPTIONS));
            if input.peek(Token![=]) {
                value::<Expr>(input)?;
            }
        }
    }
    Ok(())
}

/// One field, or several in brackets.
pub(super) struct Fields {
    pub(super) names: Vec<Ident>,
    pub(super) is_tuple: bool,
}

impl Parse for Fields {
    fn parse(input: ParseStream<'_>) -> syn::Result<Self> {
        if !input.peek(syn::token::Paren) {
            return Ok(Self {
                names: vec![input.parse()?],
                is_tuple: false,
            });
        }
        let fields;
        syn::parenthesized!(fields in input);
        let names = fields.parse_terminated(Ident::parse, Token![,])?;
        Ok(Self {
            names: names.into_iter().collect(),
            is_tuple: true,
        })
    }
}

/// `posts`, `schema::posts`, or, as Diesel's queries say, `posts::table`.
fn table(input: ParseStream<'_>, mistakes: &mut Mistakes) -> syn::Result<Path> {
    if input.peek2(LitStr) {
        let quoted: LitStr = value(input)?;
        let name = quoted.value();
        mistakes.add(
            &quoted,
            format!(
                "the table is the module that `diesel::table!` makes, as a path without quotes: \
                 `table = {name}`"
            ),
        );
        return Ok(quoted
            .parse()
            .unwrap_or_else(|_| Ident::new("table", quoted.span()).into()));
    }
    let mut table: Path = value(input)?;
    if table.segments.len() > 1 && table.segments.last().is_some_and(|it| it.ident == "table") {
        table.segments.pop();
        table.segments.pop_punct();
    }
    Ok(table)
}

fn value<T: Parse>(input: ParseStream<'_>) -> syn::Result<T> {
    input.parse::<Token![=]>()?;
    input.parse()
}

/// The struct that becomes a repository.
pub(super) fn repository(item: &TokenStream) -> syn::Result<ItemStruct> {
    match syn::parse2::<Item>(item.clone())? {
        Item::Struct(repository) => Ok(repository),
        _ => Err(syn::Error::new(
            Span::call_site(),
            "`#[repository]` belongs on a struct: receivers see it as `sender`",
        )),
    }
}
