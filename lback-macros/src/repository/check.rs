//! Refuses what has no meaning, all of it at once.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::ext::IdentExt;
use syn::spanned::Spanned;
use syn::visit::Visit;
use syn::{Attribute, Ident, ItemStruct, Path, Type, Visibility};

use super::parse::{Fields, Options};
use crate::item::conditions;
use crate::mistake::Mistakes;
use crate::name::{identifier, snake};
use crate::option::{Given, list, nearest};

/// Their names are the signals' own arguments.
const TAKEN: [&str; 7] = [
    "sender",
    "data",
    "update_data",
    "previous",
    "session",
    "conn",
    "signal",
];

/// A repository that has been checked.
pub(super) struct Repository {
    pub(super) ident: Ident,
    pub(super) visibility: Visibility,
    pub(super) conditions: Vec<Attribute>,
    pub(super) entity: Path,
    pub(super) table: Path,
    pub(super) insert: Type,
    /// Without it, rows are never changed.
    pub(super) update: Option<Type>,
    pub(super) connection: Type,
    /// Diesel's type of the database that `connection` is said to speak to.
    pub(super) backend: Option<TokenStream>,
    /// `post`: the argument's name, and the beginning of the signals'.
    pub(super) noun: Ident,
    /// The fields of `insert` that hold the key, if the database does not make it.
    pub(super) given_key: Option<Fields>,
    /// The column, and the field of `entity`, that counts updates.
    pub(super) version: Option<Ident>,
    /// Whether a row is read again behind the statement that wrote it.
    pub(super) rereads: bool,
    /// Where it is asked for that net changes are told.
    pub(super) tells_changes: Option<Span>,
    /// Whether `Entity` is implemented here, and not beside another repository.
    pub(super) declares_entity: bool,
}

/// The repository. What is missing from it has been noted as a mistake.
pub(super) fn repository(
    options: Options,
    item: ItemStruct,
    mistakes: &mut Mistakes,
) -> Option<Repository> {
    if !item.generics.params.is_empty() {
        mistakes.add(
            &item.generics,
            "a repository has no parameters, because its signals are bound to one type",
        );
    }
    required(&options, mistakes);
    updates(&options, mistakes);
    owned(&options, mistakes);
    let noun = noun(&options, mistakes);
    let backend = backend(&options, mistakes);
    Some(Repository {
        conditions: conditions(&item.attrs),
        ident: item.ident,
        visibility: item.vis,
        entity: options.entity?.value,
        table: options.table?.value,
        insert: options.insert?.value,
        update: options.update.map(|given| given.value),
        connection: options.connection?.value,
        backend,
        noun: noun?,
        given_key: options.given_key.map(|given| given.value),
        version: options.version.map(|given| given.value),
        rereads: options.reread.is_some(),
        tells_changes: options.changes.map(|given| given.name.span()),
        declares_entity: options.shared_entity.is_none(),
    })
}

/// The engine keeps data for receivers and effects, and so none of it may be borrowed.
fn owned(options: &Options, mistakes: &mut Mistakes) {
    let mut refuse = |ty: &dyn ToTokens, find: &mut dyn FnMut(&mut Borrowed)| {
        let mut borrowed = Borrowed(None);
        find(&mut borrowed);
        if let Some(lifetime) = borrowed.0 {
            let name = ty.to_token_stream().to_string();
            let name = name.split('<').next().unwrap_or_default().trim().to_owned();
            mistakes.add(
                lifetime,
                format!(
                    "a repository's types own what they hold, because receivers may change the \
                     data and effects keep the row: give `{name}` a `String` where it has a `&str`, \
                     and no lifetime"
                ),
            );
        }
    };
    if let Some(given) = &options.entity {
        refuse(&given.value, &mut |found| found.visit_path(&given.value));
    }
    for given in [&options.insert, &options.update].into_iter().flatten() {
        refuse(&given.value, &mut |found| found.visit_type(&given.value));
    }
}

/// The first lifetime of a type, but for `'static`.
struct Borrowed(Option<syn::Lifetime>);

impl<'ast> Visit<'ast> for Borrowed {
    fn visit_lifetime(&mut self, lifetime: &'ast syn::Lifetime) {
        if lifetime.ident != "static" {
            self.0.get_or_insert_with(|| lifetime.clone());
        }
    }
}

fn required(options: &Options, mistakes: &mut Mistakes) {
    let given = [
        ("entity = Article", options.entity.is_some()),
        ("table = articles", options.table.is_some()),
        ("insert = NewArticle", options.insert.is_some()),
        (
            "connection = SqliteConnection",
            options.connection.is_some(),
        ),
    ];
    let missing: Vec<_> = given
        .into_iter()
        .filter(|(example, is_given)| {
            let is_guessed = |guess: &&str| example.starts_with(*guess);
            !is_given && !options.guessed.iter().any(is_guessed)
        })
        .map(|(example, _)| example)
        .collect();
    if !missing.is_empty() && !options.is_cut_short {
        let missing = list(&missing);
        mistakes.absorb(syn::Error::new(
            Span::call_site(),
            format!("a repository cannot do without its types; add {missing}, with your own"),
        ));
    }
}

/// What concerns rows that change.
fn updates(options: &Options, mistakes: &mut Mistakes) {
    match &options.update {
        Some(given) if is_unit(&given.value) => mistakes.add(
            &given.value,
            "there is nothing to change in `()`; if rows never change, leave `update` out: the \
             repository then has four signals, and no `update`",
        ),
        None if !options.guessed.contains(&"update") => {
            if let Some(version) = &options.version {
                mistakes.add(
                    &version.value,
                    "a version counts updates, and this repository has none; add `update = ..`, or \
                     leave `version` out",
                );
            }
        }
        _ => {}
    }
}

fn is_unit(ty: &Type) -> bool {
    match ty {
        Type::Tuple(tuple) => tuple.elems.is_empty(),
        Type::Group(group) => is_unit(&group.elem),
        Type::Paren(paren) => is_unit(&paren.elem),
        _ => false,
    }
}

fn noun(options: &Options, mistakes: &mut Mistakes) -> Option<Ident> {
    let (noun, place) = match (&options.name, &options.entity) {
        (Some(given), _) => (given.value.value(), given.value.span()),
        (None, Some(given)) => {
            let last = &given.value.segments.last()?.ident;
            (snake(&last.unraw().to_string()), last.span())
        }
        (None, None) => return None,
    };
    if TAKEN.contains(&noun.as_str()) {
        mistakes.absorb(syn::Error::new(
            place,
            format!(
                "`{noun}` is another argument of the signals; choose a name for the entity: \
                 `name = \"{noun}_row\"`"
            ),
        ));
        return None;
    }
    match identifier(&noun, place) {
        Some(ident) if snake(&noun) == noun => Some(ident),
        _ => {
            mistakes.absorb(syn::Error::new(
                place,
                "the name of an argument, in lower case: `name = \"article\"`",
            ));
            None
        }
    }
}

/// The name of the connection's type tells which database it speaks to, or else this option, which
/// the compiler then compares with the type: many errors come of a type that is no connection.
fn backend(options: &Options, mistakes: &mut Mistakes) -> Option<TokenStream> {
    const BACKENDS: [&str; 3] = ["sqlite", "postgres", "mysql"];
    // The last two for the message that the type itself gets.
    const CONNECTIONS: [&str; 5] = [
        "SqliteConnection",
        "PgConnection",
        "MysqlConnection",
        "BlockingPgConnection",
        "AsyncPgConnection",
    ];
    if let Some(Given { value, .. }) = &options.backend {
        let backend = match value.to_string().as_str() {
            "sqlite" => quote!(sqlite::Sqlite),
            "postgres" => quote!(pg::Pg),
            "mysql" => quote!(mysql::Mysql),
            other => {
                let remedy = match nearest(other, &BACKENDS) {
                    Some(guess) => format!("did you mean `{guess}`?"),
                    None => format!("there are {}", list(&BACKENDS)),
                };
                mistakes.add(value, format!("there is no backend `{other}`; {remedy}"));
                return None;
            }
        };
        return Some(quote_spanned!(value.span()=> ::lback::__private::diesel::#backend));
    }
    let connection = &options.connection.as_ref()?.value;
    let is_known = match connection {
        Type::Path(path) => path
            .path
            .segments
            .last()
            .is_some_and(|last| CONNECTIONS.contains(&&*last.ident.to_string())),
        _ => false,
    };
    if !is_known {
        mistakes.absorb(syn::Error::new(
            connection.span(),
            "this type's name does not tell which database it speaks to; add `backend = sqlite`, \
             `postgres` or `mysql`. An enum of connections (`MultiConnection`) is not supported: \
             declare a repository for each database",
        ));
    }
    None
}
