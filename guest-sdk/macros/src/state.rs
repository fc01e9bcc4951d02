//! `derive(State)`: a struct's fields, one after another.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Data, DeriveInput, Error, Fields, LitInt, LitStr, Path};

pub(crate) fn expand(input: TokenStream) -> TokenStream {
    try_expand(input).unwrap_or_else(|error| error.to_compile_error())
}

/// The contents of `#[state(…)]`.
#[derive(Default)]
struct Slot {
    name: Option<LitStr>,
    version: Option<LitInt>,
    migrate: Option<Path>,
}

fn try_expand(input: TokenStream) -> syn::Result<TokenStream> {
    let input: DeriveInput = syn::parse2(input)?;
    let Data::Struct(data) = &input.data else {
        return Err(Error::new_spanned(&input.ident, "expected a struct: state has a fixed layout"));
    };
    let slot = slot(&input)?;
    let name = &input.ident;
    let (generics, arguments, bounds) = input.generics.split_for_impl();
    let types: Vec<_> = data.fields.iter().map(|field| &field.ty).collect();
    let members: Vec<_> = data.fields.members().collect();
    let construct = |values: Vec<TokenStream>| match &data.fields {
        Fields::Unit => quote!(#name),
        _ => quote!(#name { #(#members: #values,)* }),
    };
    let initial =
        construct(types.iter().map(|ty| quote!(<#ty as ::countersign_sdk::state::Stored>::initial())).collect());
    let read =
        construct(types.iter().map(|ty| quote!(<#ty as ::countersign_sdk::state::Stored>::read(bytes))).collect());
    let state = state(&slot, name, &input);
    Ok(quote! {
        impl #generics ::countersign_sdk::state::Stored for #name #arguments #bounds {
            const SIZE: usize = 0 #(+ <#types as ::countersign_sdk::state::Stored>::SIZE)*;

            #[inline]
            fn initial() -> Self {
                #initial
            }

            #[inline]
            fn write(&self, out: &mut &mut [u8]) {
                let _ = &out;
                #(::countersign_sdk::state::Stored::write(&self.#members, out);)*
            }

            #[inline]
            fn read(bytes: &mut &[u8]) -> Self {
                let _ = &bytes;
                #read
            }
        }

        #state
    })
}

fn state(slot: &Slot, name: &syn::Ident, input: &DeriveInput) -> TokenStream {
    let Some(slot_name) = &slot.name else { return TokenStream::new() };
    let (generics, arguments, bounds) = input.generics.split_for_impl();
    let version = slot.version.as_ref().map_or_else(|| quote!(1), |version| quote!(#version));
    let migrate = slot.migrate.as_ref().map(|path| {
        quote! {
            fn migrate(from_version: u32, bytes: &[u8]) -> ::core::option::Option<Self> {
                #path(from_version, bytes)
            }
        }
    });
    quote! {
        impl #generics ::countersign_sdk::state::State for #name #arguments #bounds {
            const SLOT: &'static str = #slot_name;
            const VERSION: u32 = #version;
            #migrate
        }
    }
}

fn slot(input: &DeriveInput) -> syn::Result<Slot> {
    let mut slot = Slot::default();
    for attribute in input.attrs.iter().filter(|attribute| attribute.path().is_ident("state")) {
        attribute.parse_nested_meta(|meta| {
            if meta.path.is_ident("slot") {
                slot.name = Some(meta.value()?.parse()?);
            } else if meta.path.is_ident("version") {
                slot.version = Some(meta.value()?.parse()?);
            } else if meta.path.is_ident("migrate") {
                slot.migrate = Some(meta.value()?.parse()?);
            } else {
                return Err(meta.error("expected `slot = \"name\"`, `version = 1` or `migrate = function`"));
            }
            Ok(())
        })?;
        if slot.name.is_none() {
            return Err(Error::new_spanned(attribute, "expected `slot = \"name\"`, a slot that rule.toml declares"));
        }
    }
    Ok(slot)
}
