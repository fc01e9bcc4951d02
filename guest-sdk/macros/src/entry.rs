//! `#[detection]` and `#[response]`: make the author's function the rule's entry point.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::spanned::Spanned as _;
use syn::{Error, FnArg, GenericArgument, ItemFn, PathArguments, Type};

pub(crate) fn detection(arguments: &TokenStream, input: TokenStream) -> TokenStream {
    try_detection(arguments, &input).unwrap_or_else(|error| with_function(&error, &input))
}

pub(crate) fn response(arguments: &TokenStream, input: TokenStream) -> TokenStream {
    try_response(arguments, &input).unwrap_or_else(|error| with_function(&error, &input))
}

/// The error beside the function, so that there is one error and not one for each item that the function should define.
fn with_function(error: &Error, input: &TokenStream) -> TokenStream {
    let error = error.to_compile_error();
    quote!(#error #[allow(dead_code)] #input)
}

fn try_detection(arguments: &TokenStream, input: &TokenStream) -> syn::Result<TokenStream> {
    const SHAPE: &str = "expected `fn(event: &Event, …, cx: &mut Context)`, with `&mut Slot<S>` for each state slot";
    let function = function(arguments, input)?;
    let arguments: Vec<&FnArg> = function.sig.inputs.iter().collect();
    let [_, between @ .., _] = arguments.as_slice() else {
        return Err(Error::new(function.sig.span(), SHAPE));
    };
    let states = between
        .iter()
        .map(|argument| slot_state(argument).ok_or_else(|| Error::new(argument.span(), SHAPE)))
        .collect::<syn::Result<Vec<&Type>>>()?;
    let name = &function.sig.ident;
    let slots: Vec<_> = (0..states.len()).map(|index| format_ident!("slot_{index}")).collect();
    Ok(quote! {
        #function

        // Checked even if nothing calls the rule.
        const _: () = ::countersign_sdk::state::assert_distinct(
            &[#(::countersign_sdk::state::slot_of::<Rule, #states>().0),*],
        );

        impl ::countersign_sdk::rule::Detection for Rule {
            fn judge(
                batch: &::countersign_sdk::bindings::detect::Batch,
                state: &[::countersign_sdk::bindings::detect::SlotState],
                cx: &mut ::countersign_sdk::Context<'_, '_, Self>,
            ) -> ::std::vec::Vec<::countersign_sdk::bindings::detect::SlotChanges> {
                let _ = state;
                #(let mut #slots = ::countersign_sdk::SlotTable::<#states>::open::<Rule>(state);)*
                ::countersign_sdk::__for_each_row(batch, cx, |event, cx| {
                    #name(event, #(#slots.at(event.key_index()),)* cx);
                });
                ::countersign_sdk::__in_declared_order([#(#slots.close(),)*])
            }

            fn migrate(
                slot: u32,
                from_version: u32,
                blob: &[u8],
            ) -> ::core::result::Result<::std::vec::Vec<u8>, ::std::string::String> {
                let _ = (from_version, blob);
                #(
                    if slot as usize == const { ::countersign_sdk::state::slot_of::<Rule, #states>().0 } {
                        return ::countersign_sdk::__migrate_slot::<#states>(from_version, blob);
                    }
                )*
                ::core::result::Result::Err(::std::format!("the rule has no state in slot {slot}"))
            }
        }

        /// Judges a batch: what the component's `evaluate` does.
        #[must_use]
        pub fn evaluate(
            batch: &::countersign_sdk::bindings::detect::Batch,
            state: &[::countersign_sdk::bindings::detect::SlotState],
            parameters: &[::countersign_sdk::bindings::detect::Parameter],
            data: &[u8],
            context: &[::countersign_sdk::bindings::detect::ContextTable],
        ) -> ::countersign_sdk::bindings::detect::Answer {
            ::countersign_sdk::evaluate::<Rule>(batch, state, parameters, data, context)
        }

        #[cfg(target_arch = "wasm32")]
        ::countersign_sdk::__export_detection!(Rule);
    })
}

fn try_response(arguments: &TokenStream, input: &TokenStream) -> syn::Result<TokenStream> {
    let function = function(arguments, input)?;
    if function.sig.inputs.len() != 2 {
        return Err(Error::new(function.sig.span(), "expected `fn(incident: &Incident, cx: &mut Context)`"));
    }
    let name = &function.sig.ident;
    Ok(quote! {
        #function

        impl ::countersign_sdk::rule::Response for Rule {
            fn respond(
                incident: &::countersign_sdk::Incident<'_>,
                cx: &mut ::countersign_sdk::ResponseContext<'_, '_, Self>,
            ) {
                #name(incident, cx);
            }
        }

        /// Answers an incident: what the component's `propose` does.
        #[must_use]
        pub fn propose(
            incident: &::countersign_sdk::bindings::respond::Incident,
            parameters: &[::countersign_sdk::bindings::respond::Parameter],
            data: &[u8],
        ) -> ::countersign_sdk::bindings::respond::Answer {
            ::countersign_sdk::propose::<Rule>(incident, parameters, data)
        }

        #[cfg(target_arch = "wasm32")]
        ::countersign_sdk::__export_response!(Rule);
    })
}

fn function(arguments: &TokenStream, input: &TokenStream) -> syn::Result<ItemFn> {
    if !arguments.is_empty() {
        return Err(Error::new(arguments.span(), "expected no arguments: everything is in rule.toml"));
    }
    syn::parse2(input.clone())
}

/// `S` of an argument `name: &mut Slot<S>`.
fn slot_state(argument: &FnArg) -> Option<&Type> {
    let FnArg::Typed(argument) = argument else { return None };
    let Type::Reference(reference) = &*argument.ty else { return None };
    reference.mutability?;
    let Type::Path(path) = &*reference.elem else { return None };
    let last = path.path.segments.last().filter(|segment| segment.ident == "Slot")?;
    let PathArguments::AngleBracketed(arguments) = &last.arguments else { return None };
    arguments.args.iter().find_map(|argument| match argument {
        GenericArgument::Type(ty) => Some(ty),
        _ => None,
    })
}
