//! `rule!`: the declaration as constants, traits and names.

use std::path::{Path, PathBuf};

use countersign_declaration::{ContextWanted, Declaration, parse_toml};
use countersign_model::call::{Parameter, schema_hash};
use countersign_model::vocabulary::{FieldType, RuleKind};
use proc_macro2::{Span, TokenStream};
use quote::quote;
use syn::{Error, LitStr};

use crate::names::{camel, screaming, snake};

/// The largest part of a `rule.toml` that is read, in bytes.
const MAX_BYTES: u64 = 1 << 20;

pub(crate) fn expand(input: TokenStream, source: Option<PathBuf>) -> TokenStream {
    try_expand(input, source).unwrap_or_else(|error| error.to_compile_error())
}

fn try_expand(input: TokenStream, source: Option<PathBuf>) -> syn::Result<TokenStream> {
    let named: Option<LitStr> = if input.is_empty() { None } else { Some(syn::parse2(input)?) };
    let span = named.as_ref().map_or_else(Span::call_site, LitStr::span);
    let path = locate(named.as_ref(), source.as_deref()).map_err(|message| Error::new(span, message))?;
    let text = read(&path).map_err(|error| Error::new(span, format!("cannot read `{}`: {error}", path.display())))?;
    let declaration = parse_toml(&text).map_err(|refusals| {
        let name = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        let list: String = refusals.iter().map(|refusal| format!("\n  {refusal}")).collect();
        let faults = if refusals.len() == 1 { "1 fault".to_owned() } else { format!("{} faults", refusals.len()) };
        Error::new(span, format!("{name} has {faults}:{list}"))
    })?;
    let path = path.to_string_lossy();
    let items = items(&declaration);
    Ok(quote! {
        // Makes the compiler rebuild the rule when the file changes.
        const _: &[u8] = include_bytes!(#path);
        #items
    })
}

/// The path of the file: beside the source file if it is named, else beside `Cargo.toml`. Examples in documentation have
/// no source file, or a temporary one.
fn locate(named: Option<&LitStr>, source: Option<&Path>) -> Result<PathBuf, String> {
    let name = named.map_or_else(|| "rule.toml".to_owned(), LitStr::value);
    let beside_source = named.and(source).and_then(Path::parent).map(|directory| directory.join(&name));
    let beside_manifest = std::env::var_os("CARGO_MANIFEST_DIR").map(|directory| PathBuf::from(directory).join(&name));
    let path = match (beside_source, beside_manifest) {
        (Some(beside_source), Some(other)) if !beside_source.is_file() && other.is_file() => other,
        (Some(path), _) | (None, Some(path)) => path,
        (None, None) => return Err("cannot find rule.toml: `CARGO_MANIFEST_DIR` is not set".to_owned()),
    };
    path.canonicalize().map_err(|error| format!("expected a declaration at `{}`: {error}", path.display()))
}

fn read(path: &Path) -> std::io::Result<String> {
    use std::io::Read as _;
    let mut text = String::new();
    #[expect(clippy::disallowed_methods, reason = "capped: a longer file is cut, which the parser refuses")]
    std::fs::File::open(path)?.take(MAX_BYTES).read_to_string(&mut text)?;
    Ok(text)
}

/// All items for the rule's crate.
fn items(declaration: &Declaration) -> TokenStream {
    let common = common(declaration);
    let parameters = parameters(declaration);
    let kind = match declaration.kind {
        RuleKind::Detection => detection(declaration),
        RuleKind::Response => response(declaration),
    };
    quote!(#common #parameters #kind)
}

fn common(declaration: &Declaration) -> TokenStream {
    let (id, version) = (declaration.id.as_str(), declaration.version.to_string());
    let doc = format!("The rule `{id}` {version}. {}", declaration.description);
    let techniques = &declaration.techniques;
    let technique_names = techniques.iter().map(|id| screaming(id));
    let specs = declaration.parameters.iter().map(|parameter| {
        let (name, default) = (&parameter.name, default(&parameter.default));
        quote!(::countersign_sdk::rule::ParameterSpec { name: #name, default: #default })
    });
    let reads = declaration.parameters.iter().map(|parameter| {
        let (name, field, reader) = (&parameter.name, snake(&parameter.name), ty(&parameter.default).0);
        quote!(#field: reader.#reader(#name),)
    });
    quote! {
        #[doc = #doc]
        #[derive(Clone, Copy, Debug)]
        pub struct Rule;

        impl ::countersign_sdk::rule::Rule for Rule {
            const ID: &'static str = #id;
            const VERSION: &'static str = #version;
            const PARAMETERS: &'static [::countersign_sdk::rule::ParameterSpec] = &[#(#specs),*];
            const TECHNIQUES: &'static [&'static str] = &[#(#techniques),*];
            type Parameters<'a> = Parameters<'a>;

            fn parameters<'a>(reader: &mut ::countersign_sdk::parameters::Reader<'a>) -> Parameters<'a> {
                Parameters { #(#reads)* lifetime: ::core::marker::PhantomData, }
            }
        }

        /// The ATT&CK techniques that `rule.toml` declares.
        #[allow(dead_code, unreachable_pub)]
        pub mod technique {
            #(
                #[doc = #techniques]
                pub const #technique_names: ::countersign_sdk::Technique<super::Rule> =
                    ::countersign_sdk::Technique::declared(#techniques);
            )*
        }
    }
}

fn parameters(declaration: &Declaration) -> TokenStream {
    let fields = declaration.parameters.iter().map(|parameter| {
        let (name, ty, doc) = (snake(&parameter.name), ty(&parameter.default).1, &parameter.meaning);
        quote!(#[doc = #doc] pub #name: #ty,)
    });
    quote! {
        /// The parameters that `rule.toml` declares, as they are in force.
        #[allow(dead_code)]
        #[derive(Clone, Debug)]
        pub struct Parameters<'a> {
            #(#fields)*
            lifetime: ::core::marker::PhantomData<&'a ()>,
        }
    }
}

/// A parameter's reader and type.
fn ty(default: &Parameter) -> (TokenStream, TokenStream) {
    match default {
        Parameter::Boolean(_) => (quote!(boolean), quote!(bool)),
        Parameter::Integer(_) => (quote!(integer), quote!(i64)),
        Parameter::Decimal(_) => (quote!(decimal), quote!(f64)),
        Parameter::Text(_) => (quote!(text), quote!(&'a str)),
        Parameter::TextList(_) => (quote!(text_list), quote!(&'a [::std::string::String])),
        Parameter::Duration(_) => (quote!(duration), quote!(::countersign_sdk::Duration)),
    }
}

fn default(default: &Parameter) -> TokenStream {
    let value = match default {
        Parameter::Boolean(value) => quote!(Boolean(#value)),
        Parameter::Integer(value) => quote!(Integer(#value)),
        Parameter::Decimal(value) => quote!(Decimal(#value)),
        Parameter::Text(value) => quote!(Text(#value)),
        Parameter::TextList(values) => quote!(TextList(&[#(#values),*])),
        Parameter::Duration(value) => quote!(Duration(#value)),
    };
    quote!(::countersign_sdk::parameters::ParameterDefault::#value)
}

fn detection(declaration: &Declaration) -> TokenStream {
    let hash = schema_hash(&declaration.fields);
    let fields: Vec<_> = declaration.fields.iter().map(|field| camel(field.field().accessor)).collect();
    let columns = 0..fields.len();
    let slots = declaration.slots.iter().map(|slot| {
        let (name, version, bytes, kept) = (&slot.name, slot.version, slot.max_bytes, slot.kept_references);
        quote! {
            ::countersign_sdk::rule::SlotSpec {
                name: #name, version: #version, max_bytes: #bytes, kept_references: #kept,
            }
        }
    });
    let timers: &[String] = declaration.timers.as_ref().map_or(&[], |timers| &timers.ids);
    let timer_names = timers.iter().map(|id| screaming(id));
    let classes = declaration.signal_classes.iter().map(|class| camel(class.id()));
    let tables = tables(&declaration.context);
    quote! {
        #(
            impl ::countersign_sdk::fields::#fields for Rule {
                const COLUMN: usize = #columns;
            }
        )*

        #(impl ::countersign_sdk::classes::#classes for Rule {})*

        impl ::countersign_sdk::rule::DetectionDeclaration for Rule {
            const SCHEMA_HASH: u64 = #hash;
            const FIELDS: &'static [::countersign_sdk::vocabulary::FieldId] =
                &[#(::countersign_sdk::vocabulary::FieldId::#fields),*];
            const SLOTS: &'static [::countersign_sdk::rule::SlotSpec] = &[#(#slots),*];
            const TIMERS: &'static [&'static str] = &[#(#timers),*];
            const TABLES: &'static [::countersign_sdk::rule::TableSpec] = tables::SPECS;
            type Tables<'a> = tables::Tables<'a>;
        }

        /// The timers that `rule.toml` declares.
        #[allow(dead_code, unreachable_pub)]
        pub mod timer {
            #(
                #[doc = #timers]
                pub const #timer_names: ::countersign_sdk::Timer<super::Rule> =
                    ::countersign_sdk::Timer::declared(#timers);
            )*
        }

        #tables

        /// One row, with the fields that `rule.toml` declares.
        #[allow(dead_code)]
        pub type Event<'a> = ::countersign_sdk::Event<'a, Rule>;
        /// What a row comes with: parameters, data and tables in; findings, timers and diagnostics out.
        #[allow(dead_code)]
        pub type Context<'a, 'p> = ::countersign_sdk::Context<'a, 'p, Rule>;
        /// A finding of this rule.
        #[allow(dead_code)]
        pub type Finding = ::countersign_sdk::Finding<Rule>;
    }
}

fn tables(context: &[ContextWanted]) -> TokenStream {
    let columns = |wanted: &ContextWanted| -> Vec<_> {
        wanted.columns.iter().filter_map(|column| wanted.table.columns.get(*column)).collect()
    };
    let specs = context.iter().map(|wanted| {
        let (name, keying) = (wanted.table.name, camel(wanted.keying.id()));
        let columns = columns(wanted).into_iter().map(|column| column.name);
        quote!(::countersign_sdk::rule::TableSpec {
            name: #name, keying: ::countersign_sdk::vocabulary::Keying::#keying, columns: &[#(#columns),*],
        })
    });
    let methods = context.iter().enumerate().map(|(index, wanted)| {
        let (method, row, doc) = (snake(wanted.table.name), camel(wanted.table.name), wanted.table.meaning);
        quote! {
            #[doc = #doc]
            #[must_use]
            pub fn #method(&self) -> ::countersign_sdk::tables::Table<'a, #row<'a>> {
                self.0.table(#index)
            }
        }
    });
    let rows = context.iter().map(|wanted| {
        let row = camel(wanted.table.name);
        let readers = columns(wanted).into_iter().enumerate().map(|(index, column)| {
            let (name, doc) = (snake(column.name), column.meaning);
            let (reader, ty) = reader(column.ty);
            quote! {
                #[doc = #doc]
                #[must_use]
                pub fn #name(&self) -> ::core::option::Option<#ty> {
                    self.0.#reader(#index)
                }
            }
        });
        let doc = format!("A row of the table `{}`, with the columns that `rule.toml` declares.", wanted.table.name);
        quote! {
            #[doc = #doc]
            #[derive(Clone, Copy, Debug)]
            pub struct #row<'a>(::countersign_sdk::tables::Row<'a>);

            impl<'a> ::core::convert::From<::countersign_sdk::tables::Row<'a>> for #row<'a> {
                fn from(row: ::countersign_sdk::tables::Row<'a>) -> Self {
                    #row(row)
                }
            }

            impl<'a> #row<'a> {
                #(#readers)*
            }
        }
    });
    quote! {
        /// The context tables that `rule.toml` declares.
        #[allow(dead_code, unreachable_pub, clippy::elidable_lifetime_names, clippy::needless_lifetimes)]
        pub mod tables {
            /// The tables as declared.
            pub(super) const SPECS: &[::countersign_sdk::rule::TableSpec] = &[#(#specs),*];

            /// All of them, as seen from one row.
            #[derive(Clone, Copy, Debug)]
            pub struct Tables<'a>(::countersign_sdk::tables::Tables<'a>);

            impl<'a> ::core::convert::From<::countersign_sdk::tables::Tables<'a>> for Tables<'a> {
                fn from(tables: ::countersign_sdk::tables::Tables<'a>) -> Self {
                    Tables(tables)
                }
            }

            impl<'a> Tables<'a> {
                #(#methods)*
            }

            #(#rows)*
        }
    }
}

/// The reader and type of a context column.
fn reader(ty: FieldType) -> (TokenStream, TokenStream) {
    match ty {
        FieldType::Unsigned => (quote!(unsigned), quote!(u64)),
        FieldType::Signed => (quote!(signed), quote!(i64)),
        FieldType::Float => (quote!(float), quote!(f64)),
        FieldType::Boolean => (quote!(boolean), quote!(bool)),
        FieldType::Text => (quote!(text), quote!(&'a str)),
        FieldType::TextList => (quote!(texts), quote!(::countersign_sdk::Texts<'a>)),
        FieldType::Timestamp => (quote!(timestamp), quote!(::countersign_sdk::Timestamp)),
        FieldType::Address => (quote!(address), quote!(::core::net::IpAddr)),
        FieldType::Json => (quote!(json), quote!(&'a str)),
    }
}

fn response(declaration: &Declaration) -> TokenStream {
    let actions = declaration.actions.iter().map(|action| camel(action.id()));
    quote! {
        #(impl ::countersign_sdk::actions::#actions for Rule {})*

        impl ::countersign_sdk::rule::ResponseDeclaration for Rule {}

        /// An incident to respond to.
        #[allow(dead_code)]
        pub type Incident<'a> = ::countersign_sdk::Incident<'a>;
        /// What an incident comes with: parameters and data in; proposals and diagnostics out.
        #[allow(dead_code)]
        pub type Context<'a, 'p> = ::countersign_sdk::ResponseContext<'a, 'p, Rule>;
        /// A proposal of this rule.
        #[allow(dead_code)]
        pub type Proposal = ::countersign_sdk::Proposal<Rule>;
    }
}
