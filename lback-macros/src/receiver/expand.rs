//! One registration per signal.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::Path;
use syn::ext::IdentExt;
use syn::spanned::Spanned;

use super::handler;
use super::valid::{Delivery, Durable, Kept, Lent, Phase, Receiver};
use crate::item::{MaybeItemFn, conditions};
use crate::name::number_of;

/// What is added beside the function. `number` tells the attribute from others of the same function.
///
/// All stands in an item that has no place in an `impl` or a trait: there the compiler refuses it as a whole, and
/// says by the name of the macro what is wrong. A `const _` would be refused too, but what is in it would be looked
/// at, and the function not found.
pub(super) fn registrations(receiver: &Receiver, number: usize) -> TokenStream {
    let (conditions, signals) = (&receiver.conditions, &receiver.signals);
    // What follows in a `cfg_attr` was not counted, so the signals belong to the name too.
    let heard = number_of(&quote!(#(#signals)*).to_string());
    let name = format_ident!("__lback_{}_{number}_{heard:x}", receiver.function.unraw());
    let entries = signals.iter().map(|signal| entry(receiver, signal));
    quote! {
        ::lback::__private::a_receiver_stands_outside_of_impl_and_trait! {
            #(#conditions)*
            #[allow(deprecated, unused_variables, clippy::unit_arg)]
            #name #(::lback::__private::inventory::submit! { #entries })*
        }
    }
}

/// Lets `manual_registry!` find the receivers by the function's name: functions and types have
/// different names, so a type may bear this one too, and comes along wherever it is imported.
pub(super) fn choice(function: &MaybeItemFn, receivers: &[Receiver]) -> TokenStream {
    let conditions = conditions(&function.attrs);
    let (vis, name) = (&function.vis, &function.sig.ident);
    let entries = receivers.iter().flat_map(|receiver| {
        receiver
            .signals
            .iter()
            .map(|signal| entry(receiver, signal))
    });
    // In the function's place, should the name be taken.
    let named = quote_spanned!(located(name.span())=> enum #name {});
    quote! {
        #(#conditions)*
        #[doc(hidden)]
        #[allow(dead_code, missing_debug_implementations, non_camel_case_types, unreachable_pub)]
        #vis #named

        #(#conditions)*
        #[automatically_derived]
        #[diagnostic::do_not_recommend]
        #[allow(deprecated, unused_variables, clippy::unit_arg)]
        impl<F> ::lback::__private::ByHand<F> for #name {
            const RECEIVERS: &'static [&'static dyn ::lback::__private::Listed] =
                &[#(&{ #entries }.0),*];
        }
    }
}

fn entry(receiver: &Receiver, signal: &Path) -> TokenStream {
    let entries = registrar(receiver, signal);
    // A name that no path of the user's can mean.
    let registrar = Ident::new("registrar", Span::mixed_site());
    let identity = identity(receiver, &quote!(#registrar.signal()));
    let options = options(receiver, signal);
    let handle = handler::handle(receiver, signal);
    let condition = receiver.when.as_ref().map_or_else(
        || quote!(::core::option::Option::None),
        |when| {
            let condition = handler::condition(when, signal);
            quote!(::core::option::Option::Some(#condition))
        },
    );
    quote! {
        #[allow(unused_imports)]
        use ::lback::__private::Lend as _;
        let #registrar = #entries;
        #registrar.entry(#identity #options, #handle, #condition)
    }
}

/// What makes entries for the signal, by way of every trait that the receiver asks of it.
///
/// Each trait gives back the signal as `Itself`. Where one is missing, that is one error, in the
/// place of what asks for it; all that follows has an unknown type, and the compiler is silent.
fn registrar(receiver: &Receiver, signal: &Path) -> TokenStream {
    let declared =
        |place, signal| quote_spanned!(place=> <#signal as ::lback::__private::Declared>);
    let place = located(signal.span());
    let mut checked = quote!(#signal);
    for (place, asked) in demands(receiver, signal) {
        // A missing trait is reported where the type stands that misses it: it is moved there.
        let moved = declared(located(place), checked);
        checked = quote_spanned!(located(place)=> <#moved::Itself as #asked>::Itself);
    }
    let declared = declared(place, checked);
    quote_spanned!(place=> #declared::REGISTRAR)
}

/// What the signal must be, as traits, each with the place of what asks for it.
fn demands(receiver: &Receiver, signal: &Path) -> Vec<(Span, TokenStream)> {
    let kind = kinds(&receiver.delivery).into_iter().map(|(place, name)| {
        let name = Ident::new(name, located(place));
        (place, quote!(::lback::__private::#name))
    });
    let arguments = receiver.arguments().into_iter().map(|name| {
        let (place, number) = (name.span(), number_of(&name.unraw().to_string()));
        let signal = quote_spanned!(located(place)=> <#signal as ::lback::__private::Declared>);
        let asked = quote_spanned! {located(place)=>
            ::lback::__private::HasArgument<#number, #signal::Arguments>
        };
        (place, asked)
    });
    kind.chain(arguments).collect()
}

/// What kind of signal it must be, by the names of traits.
fn kinds(delivery: &Delivery) -> Vec<(Span, &'static str)> {
    match delivery {
        Delivery::InTransaction {
            isolate, is_async, ..
        } if isolate.is_some() || is_async.is_some() => {
            let isolated = isolate.map(|option| (option, "AllowsIsolate"));
            let awaited = is_async.map(|token| (token, "AllowsAsyncInTransaction"));
            let allowed: Vec<_> = isolated.into_iter().chain(awaited).collect();
            let session = allowed.first().map(|(place, _)| (*place, "SessionSignal"));
            session.into_iter().chain(allowed).collect()
        }
        Delivery::InTransaction { parameters, .. } => parameters
            .iter()
            .find_map(|parameter| match parameter {
                Lent::State(shared) => Some(shared.place),
                Lent::Connection(form) | Lent::Session(form) => Some(form.place()),
                Lent::Signal(_) | Lent::Argument(..) => None,
            })
            .map(|place| (place, "SessionSignal"))
            .into_iter()
            .collect(),
        Delivery::Effect {
            phase,
            named,
            is_async,
            ..
        } => {
            let allows = match phase {
                Phase::AfterCommit => "AllowsAfterCommit",
                Phase::AfterRollback => "AllowsAfterRollback",
            };
            let mut demands = vec![(*named, "SessionSignal"), (*named, allows)];
            demands.extend(is_async.map(|token| (token, "AllowsAsyncEffect")));
            demands
        }
        Delivery::Durable {
            named, is_async, ..
        } => {
            let mut demands = vec![(*named, "SessionSignal"), (*named, "AllowsDurable")];
            demands.extend(is_async.map(|token| (token, "AllowsAsyncEffect")));
            demands
        }
    }
}

/// Ours by name, the user's by place.
fn located(place: Span) -> Span {
    Span::mixed_site().located_at(place)
}

fn identity(receiver: &Receiver, signal: &TokenStream) -> TokenStream {
    let function = &receiver.function;
    let name = function.unraw().to_string();
    // With the function's own span, or they would tell where the attribute stands.
    let place = quote_spanned! {function.span()=>
        ::lback::__private::Place {
            file: ::core::file!(),
            line: ::core::line!(),
            column: ::core::column!(),
        }
    };
    quote! {
        ::lback::__private::Registration::new(
            #signal,
            ::core::concat!(::core::module_path!(), "::", #name),
            #place,
            || ::lback::__private::Function::of(&#function),
        )
    }
}

fn options(receiver: &Receiver, signal: &Path) -> TokenStream {
    let placement = &receiver.placement;
    let id = placement.id.iter();
    let order = placement.order.iter();
    let before = neighbours(&placement.before).into_iter();
    let after = neighbours(&placement.after).into_iter();
    let states = states(&receiver.delivery).into_iter();
    let delivery = delivery(&receiver.delivery);
    let durable = durable(receiver, signal);
    quote! {
        #(.id(#id))* #(.order(#order))* #(.before(#before))* #(.after(#after))* #(.states(#states))*
        #delivery #durable
    }
}

/// How the rows of a durable receiver are delivered.
fn durable(receiver: &Receiver, signal: &Path) -> Option<TokenStream> {
    let Delivery::Durable {
        parameters,
        options,
        named,
        is_async,
    } = &receiver.delivery
    else {
        return None;
    };
    let deliver = handler::deliver(receiver, signal, *named, parameters, *is_async);
    let Durable {
        aliases,
        version,
        max_attempts,
        lease,
        batch,
        upcast,
        ordered,
    } = &**options;
    let ordered = ordered.as_ref().map(|_| quote!(.ordered()));
    let aliases = (!aliases.is_empty()).then(|| quote!(.aliases(&[#(#aliases),*])));
    let numbers = [
        ("version", version),
        ("max_attempts", max_attempts),
        ("lease", lease),
        ("batch", batch),
    ];
    let numbers = numbers.into_iter().filter_map(|(name, value)| {
        let name = Ident::new(name, Span::call_site());
        value.as_ref().map(|value| quote!(.#name(#value)))
    });
    let upcast = upcast.as_ref().map(|path| quote!(.upcast(#path)));
    Some(quote! {
        .durable({
            const DURABLE: &::lback::__private::Durable = &::lback::__private::Durable::new(
                ::lback::__private::connection_of::<#signal>,
                #deliver,
            ) #aliases #(#numbers)* #upcast #ordered;
            DURABLE
        })
    })
}

/// What the receiver asks of the session's state.
fn states(delivery: &Delivery) -> Option<TokenStream> {
    let shared: Vec<_> = match delivery {
        Delivery::InTransaction { parameters, .. } => parameters
            .iter()
            .filter_map(|parameter| match parameter {
                Lent::State(state) if state.optional.is_none() => Some(state),
                _ => None,
            })
            .collect(),
        Delivery::Effect { parameters, .. } | Delivery::Durable { parameters, .. } => parameters
            .iter()
            .filter_map(|parameter| match parameter {
                Kept::State(state) if state.optional.is_none() => Some(state),
                _ => None,
            })
            .collect(),
    };
    let each = shared.iter().map(|shared| {
        let ty = &shared.ty.elem;
        quote_spanned!(located(shared.place)=> ::lback::__private::StateNeed::of::<#ty>())
    });
    let all = quote!(&[#(#each),*]);
    (!shared.is_empty()).then_some(all)
}

fn delivery(delivery: &Delivery) -> TokenStream {
    let (mode, uses_session) = match delivery {
        Delivery::InTransaction {
            isolate,
            parameters,
            is_async,
        } => (
            {
                let isolated = isolate.map(|_| quote!(.isolated()));
                let is_async = is_async.map(|_| quote!(.asynchronous()));
                (isolate.is_some() || is_async.is_some()).then(|| quote!(#isolated #is_async))
            },
            parameters
                .iter()
                .any(|each| matches!(each, Lent::Connection(_) | Lent::Session(_))),
        ),
        Delivery::Effect {
            phase,
            parameters,
            is_async,
            ..
        } => {
            let is_async = is_async.map(|_| quote!(.asynchronous()));
            let phase = match phase {
                Phase::AfterCommit => quote!(AfterCommit),
                Phase::AfterRollback => quote!(AfterRollback),
            };
            (
                Some(quote!(.phase(::lback::__private::Phase::#phase) #is_async)),
                parameters
                    .iter()
                    .any(|each| matches!(each, Kept::Connection(_) | Kept::Session(_))),
            )
        }
        Delivery::Durable {
            parameters,
            is_async,
            ..
        } => (
            is_async.map(|_| quote!(.asynchronous())),
            parameters
                .iter()
                .any(|each| matches!(each, Kept::Connection(_) | Kept::Session(_))),
        ),
    };
    let uses_session = uses_session.then(|| quote!(.uses_session()));
    quote!(#mode #uses_session)
}

fn neighbours(paths: &[Path]) -> Option<TokenStream> {
    let each = paths.iter().map(|path| {
        let written = path.to_token_stream().to_string().replace(' ', "");
        quote! {
            ::lback::__private::Neighbour::new(
                || ::lback::__private::type_id_of_val(&#path),
                #written,
            )
        }
    });
    let all = quote!(&[#(#each),*]);
    (!paths.is_empty()).then_some(all)
}
