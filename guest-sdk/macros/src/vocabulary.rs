//! The vocabulary as traits and markers. `diagnostic::on_unimplemented` wants literals, so this is no `macro_rules!`.

use countersign_model::vocabulary::{Action, ActionClass, FIELDS, Field, FieldType, SignalClass};
use proc_macro2::TokenStream;
use quote::{format_ident, quote};

use crate::names::camel;

pub(crate) fn expand() -> TokenStream {
    let traits = FIELDS.iter().map(field_trait);
    let accessors = FIELDS.iter().map(accessor);
    let setters = FIELDS.iter().map(setter);
    let classes = marker_list(SignalClass::ALL.iter().map(|class| class.id()), "signal class", "signal-classes");
    let actions = Action::ALL.iter().filter(|action| action.class() != ActionClass::Remediate);
    let actions = marker_list(actions.map(|action| action.id()), "action", "actions");
    let (class_markers, class_traits) = (classes.markers("Class", "classes"), classes.traits);
    let (action_markers, action_traits) = (actions.markers("Act", "actions"), actions.traits);
    quote! {
        /// One trait a field: a rule that declared the field implements it.
        pub mod fields {
            #(#traits)*
        }

        /// One trait a signal class: a rule that declared the class implements it.
        pub mod classes {
            #(#class_traits)*
        }

        /// One trait an action: a rule that declared the action implements it.
        pub mod actions {
            #(#action_traits)*
        }

        /// The signal classes, as [`Finding::new`](crate::Finding::new) takes them.
        pub mod class {
            /// A signal class that the rule `R` declared.
            pub trait Class<R> {
                /// Its id.
                const ID: &'static str;
            }

            #class_markers
        }

        /// The actions, as [`Proposal::new`](crate::Proposal::new) takes them.
        pub mod action {
            /// An action that the rule `R` declared.
            pub trait Act<R> {
                /// Its id.
                const ID: &'static str;
            }

            #action_markers
        }

        impl<'a, R: crate::rule::DetectionDeclaration> crate::Event<'a, R> {
            #(#accessors)*
        }

        #[cfg(not(target_arch = "wasm32"))]
        impl crate::testing::Row {
            #(#setters)*
        }
    }
}

fn field_trait(field: &Field) -> TokenStream {
    let Field { path, .. } = field;
    let name = camel(field.accessor);
    let doc = format!("`{path}`: {}.", field.meaning);
    let message = format!("the field `{path}` is not declared by this rule");
    let note = format!("add \"{path}\" to `fields` in rule.toml");
    quote! {
        #[doc = #doc]
        #[diagnostic::on_unimplemented(message = #message, label = "not declared in rule.toml", note = #note)]
        pub trait #name {
            /// Its place among the rule's columns.
            const COLUMN: usize;
        }
    }
}

fn accessor(field: &Field) -> TokenStream {
    let (name, ty) = (camel(field.accessor), format_ident!("{}", field.accessor));
    let accessor = ty;
    let (value, read) = match field.ty {
        FieldType::Unsigned => (quote!(u64), quote!(crate::column::unsigned(column, row))),
        FieldType::Signed => (quote!(i64), quote!(crate::column::signed(column, row))),
        FieldType::Float => (quote!(f64), quote!(crate::column::float(column, row))),
        FieldType::Boolean => (quote!(bool), quote!(crate::column::boolean(column, row))),
        FieldType::Text => (quote!(&'a str), quote!(crate::column::text(column, row))),
        FieldType::TextList => (quote!(crate::Texts<'a>), quote!(crate::column::texts(column, row))),
        FieldType::Timestamp => {
            (quote!(crate::Timestamp), quote!(crate::column::timestamp(column, row).map(crate::Timestamp::from_micros)))
        }
        FieldType::Address => (quote!(core::net::IpAddr), quote!(crate::column::address(column, row))),
        FieldType::Json => (quote!(&'a str), quote!(crate::column::json(column, row))),
    };
    let doc = format!("`{}`: {}. None where the record has none of type {}.", field.path, field.meaning, field.ty.id());
    quote! {
        #[doc = #doc]
        #[inline]
        #[must_use]
        pub fn #accessor(&self) -> Option<#value> where R: fields::#name {
            let (column, row) = self.cell(<R as fields::#name>::COLUMN);
            #read
        }
    }
}

fn setter(field: &Field) -> TokenStream {
    let accessor = format_ident!("{}", field.accessor);
    let (ty, value) = match field.ty {
        FieldType::Unsigned => (quote!(u64), quote!(Unsigned(value))),
        FieldType::Signed => (quote!(i64), quote!(Signed(value))),
        FieldType::Float => (quote!(f64), quote!(Float(value))),
        FieldType::Boolean => (quote!(bool), quote!(Boolean(value))),
        FieldType::Text => (quote!(&str), quote!(Text(value.to_owned()))),
        FieldType::TextList => {
            (quote!(&[&str]), quote!(TextList(value.iter().map(|text| (*text).to_owned()).collect())))
        }
        FieldType::Timestamp => (quote!(&str), quote!(Timestamp(crate::testing::time(value).micros()))),
        FieldType::Address => (quote!(&str), quote!(Address(crate::testing::address(value)))),
        FieldType::Json => (quote!(&str), quote!(Json(value.to_owned()))),
    };
    let (path, doc) = (field.path, format!("Sets `{}`: {}.", field.path, field.meaning));
    quote! {
        #[doc = #doc]
        #[must_use]
        pub fn #accessor(self, value: #ty) -> Self {
            self.set(#path, crate::testing::Value::#value)
        }
    }
}

/// Traits and markers for a list of ids.
struct MarkerList {
    traits: Vec<TokenStream>,
    ids: Vec<String>,
}

fn marker_list<'a>(ids: impl Iterator<Item = &'a str>, what: &str, key: &str) -> MarkerList {
    let ids: Vec<String> = ids.map(str::to_owned).collect();
    let traits = ids.iter().map(|id| {
        let name = camel(id);
        let doc = format!("Declared by a rule with \"{id}\" in `{key}`.");
        let message = format!("the {what} `{id}` is not declared by this rule");
        let note = format!("add \"{id}\" to `{key}` in rule.toml");
        quote! {
            #[doc = #doc]
            #[diagnostic::on_unimplemented(message = #message, label = "not declared in rule.toml", note = #note)]
            pub trait #name {}
        }
    });
    MarkerList { traits: traits.collect(), ids }
}

impl MarkerList {
    fn markers(&self, of: &str, traits: &str) -> TokenStream {
        let (of, traits) = (format_ident!("{of}"), format_ident!("{traits}"));
        let markers = self.ids.iter().map(|id| {
            let name = camel(id);
            let doc = format!("`{id}`.");
            quote! {
                #[doc = #doc]
                #[derive(Clone, Copy, Debug, PartialEq, Eq)]
                pub struct #name;

                impl<R: super::#traits::#name> #of<R> for #name {
                    const ID: &'static str = #id;
                }
            }
        });
        quote!(#(#markers)*)
    }
}
