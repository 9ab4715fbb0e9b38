//! One registration per signal.

use proc_macro2::{Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::Path;
use syn::ext::IdentExt;
use syn::spanned::Spanned;

use super::handler;
use super::valid::{Delivery, Kept, Lent, Phase, Receiver};

/// What is added beside the function.
pub(super) fn registrations(receiver: &Receiver) -> TokenStream {
    receiver
        .signals
        .iter()
        .map(|signal| registration(receiver, signal))
        .collect()
}

fn registration(receiver: &Receiver, signal: &Path) -> TokenStream {
    let conditions = &receiver.conditions;
    let requirements = requirements(receiver, signal);
    let identity = identity(
        receiver,
        &quote!(<#signal as ::lback::__private::Signal>::INFO),
    );
    let options = options(receiver);
    let handle = handler::handle(receiver, signal);
    let when = receiver.when.as_ref().map(|when| {
        let condition = handler::condition(when, signal);
        quote!(.when(#condition))
    });
    let place = Span::mixed_site().located_at(signal.span());
    let entry = quote_spanned!(place=> <#signal>::__receiver);
    let receiver = quote_spanned!(place=> ::lback::__private::Receiver::<#signal>::new);
    quote! {
        #(#conditions)*
        #[allow(deprecated, unused_variables, clippy::unit_arg)]
        const _: () = {
            #requirements
            ::lback::__private::inventory::submit! {
                #entry(#receiver(#identity #options, #handle) #when)
            }
        };
    }
}

/// What the signal must offer, each demanded where it is asked for.
fn requirements(receiver: &Receiver, signal: &Path) -> TokenStream {
    let mut all = quote_spanned!(signal.span()=>
        const _: () = ::lback::__private::require_signal::<#signal>();
    );
    let session_at = match &receiver.delivery {
        Delivery::InTransaction {
            isolate,
            parameters,
        } => {
            if let Some(option) = *isolate {
                all.extend(quote_spanned!(option=>
                    const _: () = ::lback::__private::require_isolate::<#signal>();
                ));
            }
            parameters.iter().find_map(|parameter| match parameter {
                Lent::State(shared) => Some(shared.place),
                Lent::Connection(form) | Lent::Session(form) => Some(form.place()),
                Lent::Signal(_) | Lent::Argument(..) => None,
            })
        }
        Delivery::Effect { phase, named, .. } => {
            all.extend(match phase {
                Phase::AfterCommit => quote_spanned!(*named=>
                    const _: () = ::lback::__private::require_after_commit::<#signal>();
                ),
                Phase::AfterRollback => quote_spanned!(*named=>
                    const _: () = ::lback::__private::require_after_rollback::<#signal>();
                ),
            });
            None
        }
    };
    all.extend(session_at.map(|place| {
        quote_spanned!(place=> const _: () = ::lback::__private::require_session::<#signal>();)
    }));
    all
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
            || ::lback::__private::type_id_of_val(&#function),
        )
    }
}

fn options(receiver: &Receiver) -> TokenStream {
    let placement = &receiver.placement;
    let id = placement.id.iter();
    let order = placement.order.iter();
    let before = neighbours(&placement.before).into_iter();
    let after = neighbours(&placement.after).into_iter();
    let delivery = delivery(&receiver.delivery);
    quote!(#(.id(#id))* #(.order(#order))* #(.before(#before))* #(.after(#after))* #delivery)
}

fn delivery(delivery: &Delivery) -> TokenStream {
    let (mode, uses_session) = match delivery {
        Delivery::InTransaction {
            isolate,
            parameters,
        } => (
            isolate.map(|_| quote!(.isolated())),
            parameters
                .iter()
                .any(|each| matches!(each, Lent::Connection(_) | Lent::Session(_))),
        ),
        Delivery::Effect {
            phase, parameters, ..
        } => {
            let phase = match phase {
                Phase::AfterCommit => quote!(AfterCommit),
                Phase::AfterRollback => quote!(AfterRollback),
            };
            (
                Some(quote!(.phase(::lback::__private::Phase::#phase))),
                parameters
                    .iter()
                    .any(|each| matches!(each, Kept::Connection(_) | Kept::Session(_))),
            )
        }
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
