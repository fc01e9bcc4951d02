//! Counts the parts of a binary and checks them against the operator's limits, before any expensive check.

use countersign_declaration::{Ceilings, Refusal, RefusalCode};
use wasmparser::{Parser, Payload};

/// What a binary is made of, nested modules and components included.
#[derive(Clone, Debug, Default)]
pub(crate) struct Census {
    nesting: usize,
    modules: usize,
    components: usize,
    instances: usize,
    functions: usize,
    largest_function: usize,
    types: usize,
    items: usize,
    custom_bytes: usize,
    /// Bytes of all memories and tables as they begin.
    memory: u64,
    /// What the outermost component imports: where, name and kind.
    pub(crate) imports: Vec<(usize, String, &'static str)>,
    /// What the outermost component exports: name, and whether it is an instance.
    pub(crate) exports: Vec<(String, bool)>,
}

/// Bytes that an element of a table takes in the host.
const TABLE_ELEMENT: u64 = 8;

/// Bytes of a page where a memory names no other size.
const PAGE: u64 = 65_536;

/// Maximum number of imports, and of exports, that are reported one by one.
const MAX_REPORTED: usize = 100;

/// Counts up to the first place that can't be read, which validation reports.
pub(crate) fn census(bytes: &[u8], ours: impl Fn(&str) -> bool) -> Census {
    let mut census = Census::default();
    let mut depth = 0usize;
    for payload in Parser::new(0).parse_all(bytes) {
        let Ok(payload) = payload else { break };
        match &payload {
            Payload::Version { encoding, .. } => {
                depth += 1;
                census.nesting = census.nesting.max(depth);
                match encoding {
                    wasmparser::Encoding::Module => census.modules += 1,
                    wasmparser::Encoding::Component => census.components += 1,
                }
            }
            Payload::End(_) => depth = depth.saturating_sub(1),
            Payload::CustomSection(section) => {
                if !(depth == 1 && ours(section.name())) {
                    census.custom_bytes += section.data().len() + section.name().len();
                }
            }
            payload => census.count(payload, depth),
        }
    }
    census
}

impl Census {
    fn count(&mut self, payload: &Payload<'_>, depth: usize) {
        match payload {
            Payload::FunctionSection(reader) => self.functions += reader.count() as usize,
            Payload::ComponentCanonicalSection(reader) => self.functions += reader.count() as usize,
            Payload::CodeSectionEntry(body) => self.largest_function = self.largest_function.max(body.range().len()),
            Payload::TypeSection(reader) => self.types += reader.count() as usize,
            Payload::CoreTypeSection(reader) => self.types += reader.count() as usize,
            Payload::ComponentTypeSection(reader) => {
                self.types += reader.count() as usize;
                self.declared_types(reader.clone());
            }
            Payload::InstanceSection(reader) => self.instances += reader.count() as usize,
            Payload::ComponentInstanceSection(reader) => self.instances += reader.count() as usize,
            Payload::GlobalSection(reader) => self.items += reader.count() as usize,
            Payload::DataSection(reader) => self.items += reader.count() as usize,
            Payload::ElementSection(reader) => self.items += reader.count() as usize,
            Payload::ComponentAliasSection(reader) => self.items += reader.count() as usize,
            Payload::ExportSection(reader) => self.items += reader.count() as usize,
            Payload::ImportSection(reader) => self.items += reader.count() as usize,
            Payload::MemorySection(reader) => {
                for memory in reader.clone().into_iter().map_while(Result::ok) {
                    let page = memory.page_size_log2.map_or(PAGE, |log2| 1u64.checked_shl(log2).unwrap_or(u64::MAX));
                    self.memory = self.memory.saturating_add(memory.initial.saturating_mul(page));
                }
            }
            Payload::TableSection(reader) => {
                for table in reader.clone().into_iter().map_while(Result::ok) {
                    self.memory = self.memory.saturating_add(table.ty.initial.saturating_mul(TABLE_ELEMENT));
                }
            }
            Payload::ComponentImportSection(reader) if depth == 1 => {
                for (offset, import) in reader.clone().into_iter_with_offsets().map_while(Result::ok) {
                    if self.imports.len() < MAX_REPORTED {
                        self.imports.push((offset, import.name.name.to_owned(), kind(&import.ty)));
                    }
                }
            }
            Payload::ComponentExportSection(reader) if depth == 1 => {
                for export in reader.clone().into_iter().map_while(Result::ok) {
                    if self.exports.len() < MAX_REPORTED {
                        let instance = export.kind == wasmparser::ComponentExternalKind::Instance;
                        self.exports.push((export.name.name.to_owned(), instance));
                    }
                }
            }
            _ => {}
        }
    }

    /// Types that are declared within types count too, however deep.
    fn declared_types(&mut self, reader: wasmparser::ComponentTypeSectionReader<'_>) {
        for ty in reader.into_iter().map_while(Result::ok) {
            let mut nested = vec![ty];
            while let Some(ty) = nested.pop() {
                match ty {
                    wasmparser::ComponentType::Component(declarations) => {
                        self.types += declarations.len();
                        nested.extend(declarations.into_vec().into_iter().filter_map(|one| match one {
                            wasmparser::ComponentTypeDeclaration::Type(ty) => Some(ty),
                            _ => None,
                        }));
                    }
                    wasmparser::ComponentType::Instance(declarations) => {
                        self.types += declarations.len();
                        nested.extend(declarations.into_vec().into_iter().filter_map(|one| match one {
                            wasmparser::InstanceTypeDeclaration::Type(ty) => Some(ty),
                            _ => None,
                        }));
                    }
                    _ => {}
                }
            }
        }
    }

    /// Every count above its limit. `memory` is the declared limit, or the operator's if that couldn't be read.
    pub(crate) fn above(&self, ceilings: &Ceilings, memory: u64) -> Vec<Refusal> {
        let complex = [
            ("nesting", self.nesting, ceilings.nesting, "levels of modules and components"),
            ("modules", self.modules, ceilings.modules, "core modules"),
            ("components", self.components, ceilings.components, "components"),
            ("instances", self.instances, ceilings.instances, "instances"),
            ("functions", self.functions, ceilings.functions, "functions"),
            ("types", self.types, ceilings.types, "types"),
            ("items", self.items, ceilings.items, "globals, segments, aliases, imports and exports"),
        ];
        let mut refusals: Vec<Refusal> = complex
            .into_iter()
            .filter(|(_, got, max, _)| got > max)
            .map(|(place, got, max, what)| {
                Refusal::new(RefusalCode::WasmTooComplex, place, format!("at most {max} {what}"), got.to_string())
            })
            .collect();
        let large = [
            ("functions", self.largest_function, ceilings.function_bytes, "bytes of the body of one function"),
            ("custom sections", self.custom_bytes, ceilings.custom_bytes, "bytes of other custom sections"),
        ];
        refusals.extend(large.into_iter().filter(|(_, got, max, _)| got > max).map(|(place, got, max, what)| {
            Refusal::new(RefusalCode::WasmTooLarge, place, format!("at most {max} {what}"), got.to_string())
        }));
        if self.memory > memory {
            refusals.push(Refusal::new(
                RefusalCode::WasmTooLarge,
                "memories and tables",
                format!("at most {memory} bytes to begin with, the declared `limits.memory`"),
                self.memory.to_string(),
            ));
        }
        refusals
    }
}

fn kind(ty: &wasmparser::ComponentTypeRef) -> &'static str {
    match ty {
        wasmparser::ComponentTypeRef::Module(_) => "core module",
        wasmparser::ComponentTypeRef::Func(_) => "function",
        wasmparser::ComponentTypeRef::Value(_) => "value",
        wasmparser::ComponentTypeRef::Type(wasmparser::TypeBounds::SubResource) => "resource",
        wasmparser::ComponentTypeRef::Type(_) => "type",
        wasmparser::ComponentTypeRef::Instance(_) => "instance",
        wasmparser::ComponentTypeRef::Component(_) => "component",
    }
}
