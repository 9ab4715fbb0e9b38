//! The signals of a repository, and what the engine needs to send them.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::ext::IdentExt;
use syn::spanned::Spanned;

use super::check::Repository;
use super::{change, part};
use crate::name::{pascal, snake};

/// What is added beside the struct.
pub(super) fn repository(repository: &Repository, has_root: bool) -> TokenStream {
    let events = Event::all(repository);
    let signals = events
        .iter()
        .map(|event| signal(repository, event, has_root));
    let entity = repository.declares_entity.then(|| entity(repository));
    let model = model(repository, &events);
    let updates = updates(repository, &events);
    let backend = backend(repository);
    let any = events.iter().map(|event| of_any_entity(repository, event));
    let changed = change::signal(repository);
    let told = change::role(repository);
    let conditions = &repository.conditions;
    let only = only(repository);
    quote! {
        #only

        #(#signals)*
        #changed

        #(#conditions)*
        const _: () = {
            #entity
            #model
            #updates
            #(#any)*
            #told
            #backend
        };
    }
}

/// The first of the names that two repositories of one entity in one module both have: the compiler
/// then begins with what to do, and goes on with the signals.
fn only(repository: &Repository) -> TokenStream {
    let conditions = &repository.conditions;
    let noun = &repository.noun;
    let name = format_ident!(
        "_a_second_repository_of_{}_in_one_module_needs_name_and_shared_entity",
        noun.unraw(),
        span = noun.span()
    );
    quote! {
        #(#conditions)*
        #[doc(hidden)]
        #[allow(non_upper_case_globals)]
        const #name: () = ();
    }
}

/// Checks that the connection speaks to the database that it is said to.
fn backend(repository: &Repository) -> Option<TokenStream> {
    let connection = &repository.connection;
    let backend = repository.backend.as_ref()?;
    Some(quote_spanned! {connection.span()=>
        const _: fn() = ::lback::__private::speaks::<#connection, #backend>;
    })
}

/// One of the signals: six, or four where rows never change.
struct Event {
    /// `PostPreCreate`
    arguments: Ident,
    /// `post_pre_create`
    name: Ident,
    /// `PreCreate`, as `Model` calls it.
    role: Ident,
    /// `send_pre_create`
    send: Ident,
    is_pre: bool,
    is_update: bool,
    doc: String,
    fields: Vec<Argument>,
}

/// One argument of a signal, between `sender` and `session`.
struct Argument {
    doc: String,
    name: Ident,
    /// Its type as a field, for the lifetime `'a`.
    field: TokenStream,
    /// Its type as a parameter of `send_..`.
    parameter: TokenStream,
}

impl Event {
    fn all(repository: &Repository) -> Vec<Self> {
        let Repository {
            noun,
            entity,
            insert,
            ..
        } = repository;
        let row = |doc: &str| Argument::shared(noun.clone(), doc, &quote!(#entity));
        let named = |name: &str| Ident::new(name, noun.span());
        let text = noun.unraw();
        let key = Argument {
            doc: format!(" The key of the deleted `{text}`."),
            name: format_ident!("{text}_id", span = noun.span()),
            field: part::key(entity),
            parameter: part::key(entity),
        };
        let data = Argument::exclusive(named("data"), " What will be inserted.", &quote!(#insert));
        let mut events = vec![
            Self::new(
                noun,
                "PreCreate",
                "just before the row is inserted",
                vec![data],
            ),
            Self::new(
                noun,
                "PostCreate",
                "after the insert and before the commit",
                vec![row(" The row as inserted.")],
            ),
        ];
        if let Some(update) = &repository.update {
            let update = quote!(#update);
            let to_change =
                Argument::exclusive(named("update_data"), " What will be changed.", &update);
            let changed = Argument::shared(named("update_data"), " What was changed.", &update);
            let previous = Argument::shared(
                named("previous"),
                " The row as it was before.",
                &quote!(#entity),
            );
            events.push(Self::new(
                noun,
                "PreUpdate",
                "just before the row is changed",
                vec![row(" The row as it is."), to_change],
            ));
            events.push(Self::new(
                noun,
                "PostUpdate",
                "after the update and before the commit",
                vec![row(" The row as updated."), previous, changed],
            ));
        }
        events.push(Self::new(
            noun,
            "PreDelete",
            "just before the row is deleted",
            vec![row(" The row as it is.")],
        ));
        events.push(Self::new(
            noun,
            "PostDelete",
            "after the delete and before the commit",
            vec![key, row(" The row as it was.")],
        ));
        events
    }

    fn new(noun: &Ident, role: &str, when: &str, fields: Vec<Argument>) -> Self {
        let text = noun.unraw().to_string();
        let arguments = format_ident!("{}{role}", pascal(&text), span = noun.span());
        Self {
            name: format_ident!("{}", snake(&arguments.to_string()), span = noun.span()),
            arguments,
            role: Ident::new(role, noun.span()),
            send: format_ident!("send_{}", snake(role), span = noun.span()),
            is_pre: role.starts_with("Pre"),
            is_update: role.ends_with("Update"),
            doc: format!(" Sent {when} of a `{text}`."),
            fields,
        }
    }
}

impl Argument {
    fn shared(name: Ident, doc: &str, ty: &TokenStream) -> Self {
        Self {
            doc: doc.to_owned(),
            name,
            field: quote!(&'a #ty),
            parameter: quote!(&#ty),
        }
    }

    fn exclusive(name: Ident, doc: &str, ty: &TokenStream) -> Self {
        Self {
            doc: doc.to_owned(),
            name,
            field: quote!(&'a mut #ty),
            parameter: quote!(&mut #ty),
        }
    }
}

fn signal(repository: &Repository, event: &Event, has_root: bool) -> TokenStream {
    let Repository {
        ident,
        visibility,
        conditions,
        connection,
        ..
    } = repository;
    let Event { arguments, doc, .. } = event;
    let pre = event.is_pre.then(|| quote!(pre));
    let root = has_root.then(|| quote!(crate = ::lback));
    let any = Some(quote!(any));
    let options: Vec<_> = pre.into_iter().chain(any).chain(root).collect();
    let fields = event.fields.iter().map(
        |Argument {
             doc, name, field, ..
         }| {
            quote! {
                #[doc = #doc]
                #visibility #name: #field,
            }
        },
    );
    quote! {
        #[doc = #doc]
        #(#conditions)*
        #[allow(dead_code)]
        #[::lback::__private::signal(#(#options),*)]
        #visibility struct #arguments<'a> {
            /// The repository that sends it.
            #visibility sender: &'a #ident,
            #(#fields)*
            /// The session in use.
            #visibility session: &'a mut ::lback::__private::Session<#connection>,
        }
    }
}

/// What receivers of every entity see of the row.
fn of_any_entity(repository: &Repository, event: &Event) -> TokenStream {
    let Repository {
        ident,
        entity,
        noun,
        ..
    } = repository;
    let Event {
        name,
        arguments,
        role,
        ..
    } = event;
    let has = |name: &str| event.fields.iter().any(|field| field.name == name);
    let args = Ident::new("args", Span::mixed_site());
    let shown = |field: &Ident| quote!((&::lback::__private::Shown(&*#args.#field)).shown());
    let none = || quote!(::core::option::Option::None);
    let named = |name: &str| Ident::new(name, Span::mixed_site());
    let optional = |name: &str| {
        if has(name) {
            shown(&named(name))
        } else {
            none()
        }
    };
    let (key, value) = if has("data") {
        (none(), shown(&named("data")))
    } else {
        let key = quote_spanned! {entity.span()=>
            ::core::option::Option::Some(::lback::__private::text_of_key(
                &::lback::__private::Entity::key(#args.#noun),
            ))
        };
        (key, shown(noun))
    };
    let (previous, changes) = (optional("previous"), optional("update_data"));
    quote_spanned! {entity.span()=>
        #[automatically_derived]
        impl ::lback::__private::OfAnyEntity for #name {
            type Any = <<#ident as ::lback::__private::Model>::Connection
                as ::lback::__private::AnySignals>::#role;

            fn row(#args: &#arguments<'_>) -> ::lback::AnyRow {
                #[allow(unused_imports)]
                use ::lback::__private::{ShownByNobody as _, ShownBySerde as _};
                ::lback::AnyRow::__new(
                    <Self as ::lback::__private::Signal>::INFO,
                    <#entity as ::lback::__private::Entity>::NAME,
                    #key,
                    [#value, #previous, #changes],
                )
            }
        }
    }
}

fn entity(repository: &Repository) -> TokenStream {
    let entity = &repository.entity;
    let noun = repository.noun.unraw().to_string();
    quote_spanned! {entity.span()=>
        // First, for its name is the remedy where two repositories have one entity.
        #[automatically_derived]
        impl ::lback::__private::add_shared_entity_to_the_second_repository for #entity {}

        #[automatically_derived]
        impl ::lback::__private::Entity for #entity {
            type Key = <
                <
                    <Self as ::lback::__private::Identified>::Id
                        as ::lback::__private::KeyRef<Self>
                >::Key as ::lback::__private::KeyType
            >::Itself;
            type Form = <
                <Self as ::lback::__private::Identified>::Id as ::lback::__private::KeyRef<Self>
            >::Form;

            const NAME: &'static str = #noun;

            fn key(&self) -> Self::Key {
                <Self::Key as ::lback::__private::KeyFor<Self, Self::Form>>::of(self)
            }
        }

        #[automatically_derived]
        impl ::lback::__private::AsKey<#entity, ::lback::__private::ByKey>
            for <#entity as ::lback::__private::Entity>::Key
        {
            fn as_key(&self) -> Self {
                ::core::clone::Clone::clone(self)
            }
        }
    }
}

fn model(repository: &Repository, events: &[Event]) -> TokenStream {
    let Repository {
        ident,
        entity,
        connection,
        ..
    } = repository;
    let (roles, sends) = roles(repository, events, false);
    let types = part::types(repository);
    let functions = part::functions(repository);
    let constants = part::constants(repository);
    let hooks = change::hooks(repository);
    let table_name = repository
        .table
        .segments
        .last()
        .map(|last| last.ident.unraw().to_string());
    quote_spanned! {entity.span()=>
        #[automatically_derived]
        impl ::lback::__private::Model for #ident {
            const TABLE: &'static str = #table_name;
            #constants

            type Connection = #connection;
            #types
            #roles

            #sends

            #functions

            #hooks
        }
    }
}

/// What a repository has whose rows change.
fn updates(repository: &Repository, events: &[Event]) -> Option<TokenStream> {
    let update = repository.update.as_ref()?;
    let ident = &repository.ident;
    let (roles, sends) = roles(repository, events, true);
    let types = part::types_of_updates(repository, update);
    Some(quote_spanned! {repository.entity.span()=>
        #[automatically_derived]
        impl ::lback::__private::Updates for #ident {
            #types
            #roles

            #sends
        }
    })
}

/// The signals as associated types, and the functions that send them: those of updates, or the others.
fn roles(
    repository: &Repository,
    events: &[Event],
    of_updates: bool,
) -> (TokenStream, TokenStream) {
    let events = || events.iter().filter(|event| event.is_update == of_updates);
    (
        events()
            .map(|Event { role, name, .. }| quote!(type #role = #name;))
            .collect(),
        events().map(|event| send(repository, event)).collect(),
    )
}

fn send(repository: &Repository, event: &Event) -> TokenStream {
    let connection = &repository.connection;
    let Event {
        send,
        name,
        arguments,
        ..
    } = event;
    let names: Vec<_> = event.fields.iter().map(|field| &field.name).collect();
    let parameters = event.fields.iter().map(
        |Argument {
             name, parameter, ..
         }| { quote!(#name: #parameter) },
    );
    quote_spanned! {repository.entity.span()=>
        fn #send(
            &self,
            #(#parameters,)*
            session: &mut ::lback::__private::Session<#connection>,
        ) -> ::lback::Result<()> {
            ::lback::__private::dispatch::<#name>(
                &mut #arguments { sender: self, #(#names,)* session },
            )
        }
    }
}
