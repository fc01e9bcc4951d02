//! What a generation is made of, by value: rules and the operator's files, as they are read from disk, go on record, and are
//! built.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use countersign_document::read_capped;
use countersign_engine::Engine;
use countersign_generation::{FILE_TABLES, FileTable, Generation, RuleFile, Settings};
use countersign_inputs::{MAX_SOURCES_BYTES, Sources};
use countersign_model::Digest;
use countersign_policy::{Capabilities, Diagnostic, Directory, MAX_BYTES, Policy, SourceFile, Trust};
use countersign_shipped::RULES;
use countersign_text::path as shown;
use serde::{Deserialize, Serialize};

use crate::candidate::ChangeKind;

/// The most bytes of a component that are read. What admission allows is less, and policy's.
const MAX_RULE_BYTES: u64 = 64 << 20;

/// What a file of a generation is.
#[derive(Clone, Copy, Debug)]
pub enum Role {
    /// A rule's component.
    Rule,
    /// `trust.toml`.
    Trust,
    /// `policy.toml`.
    Policy,
    /// `identities.toml`.
    Identities,
    /// `sources.toml`.
    Sources,
    /// Connectors' capabilities.
    Capabilities,
    /// A file of a context table.
    Context(&'static FileTable),
}

impl Role {
    const FIXED: [Role; 6] =
        [Role::Rule, Role::Trust, Role::Policy, Role::Identities, Role::Sources, Role::Capabilities];

    /// The role as text: for a context table its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Role::Rule => "rule",
            Role::Trust => "trust",
            Role::Policy => "policy",
            Role::Identities => "identities",
            Role::Sources => "sources",
            Role::Capabilities => "capabilities",
            Role::Context(table) => table.name,
        }
    }

    /// The role with this name.
    #[must_use]
    pub fn named(name: &str) -> Option<Role> {
        let tables = FILE_TABLES.iter().map(Role::Context);
        Role::FIXED.into_iter().chain(tables).find(|role| role.name() == name)
    }

    /// The key of `[reload]` that says what becomes of its changes.
    #[must_use]
    pub fn change_kind(self) -> ChangeKind {
        match self {
            Role::Rule => ChangeKind::Rules,
            Role::Trust => ChangeKind::Trust,
            Role::Policy | Role::Capabilities => ChangeKind::Policy,
            Role::Identities => ChangeKind::Identities,
            Role::Sources => ChangeKind::Sources,
            Role::Context(_) => ChangeKind::Lookups,
        }
    }

    fn max_bytes(self) -> u64 {
        match self {
            Role::Rule => MAX_RULE_BYTES,
            Role::Sources => MAX_SOURCES_BYTES,
            Role::Context(table) => table.max_bytes as u64,
            _ => MAX_BYTES as u64,
        }
    }
}

/// A file of a generation.
#[derive(Clone, Debug)]
pub struct MaterialFile {
    /// What it is.
    pub role: Role,
    /// What messages call it: its path.
    pub name: String,
    /// Its content.
    pub bytes: Vec<u8>,
}

/// What a generation is made of.
#[derive(Clone, Debug, Default)]
pub struct Material {
    /// Whether the rules that ship in the binary serve too.
    pub shipped_rules: bool,
    /// The files, in the order in which they are named; rules of a folder by name.
    pub files: Vec<MaterialFile>,
}

/// What a generation is made of, by digests, as it goes on record.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Manifest {
    /// Whether the rules that ship in the binary serve too.
    pub shipped_rules: bool,
    /// The files.
    pub files: Vec<ManifestFile>,
}

/// A file of a [`Manifest`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ManifestFile {
    /// What it is: [`Role::name`].
    pub role: String,
    /// What messages call it.
    pub name: String,
    /// SHA-256 of its content.
    pub digest: Digest,
}

impl Manifest {
    /// What makes two generations the same: their roles and contents, whatever files are called.
    #[must_use]
    pub fn digest(&self) -> Digest {
        let mut text = format!("shipped-rules {}\n", self.shipped_rules);
        for ManifestFile { role, digest, .. } in &self.files {
            text += &format!("{role} {digest}\n");
        }
        Digest::of(text.as_bytes())
    }
}

/// A generation that was built.
pub struct Built {
    /// What it is made of.
    pub manifest: Manifest,
    /// The generation.
    pub generation: Arc<Generation>,
    /// Its sources.
    pub sources: Sources,
    /// Rules that are left out, each with every reason.
    pub left_out: Vec<String>,
}

impl Material {
    /// Reads files from disk: of a rules folder every `*.wasm`, by name.
    ///
    /// # Errors
    /// With everything that can't be read.
    pub fn read(shipped_rules: bool, paths: &[(Role, PathBuf)]) -> Result<Material, Vec<String>> {
        let mut material = Material { shipped_rules, files: Vec::new() };
        let mut faults = Vec::new();
        for (role, path) in paths {
            if matches!(role, Role::Rule) && path.is_dir() {
                match components(path) {
                    Ok(found) => found.iter().for_each(|path| material.add(*role, path, &mut faults)),
                    Err(error) => faults.push(format!("can't read `{}`: {error}", shown(path))),
                }
            } else {
                material.add(*role, path, &mut faults);
            }
        }
        if faults.is_empty() { Ok(material) } else { Err(faults) }
    }

    fn add(&mut self, role: Role, path: &Path, faults: &mut Vec<String>) {
        let max = role.max_bytes();
        match read_capped(path, max) {
            Ok(Some(bytes)) => self.files.push(MaterialFile { role, name: shown(path).to_string(), bytes }),
            Ok(None) => faults.push(format!("`{}`: expected at most {max} bytes, got more", shown(path))),
            Err(error) => faults.push(format!("can't read `{}`: {error}", shown(path))),
        }
    }

    /// Puts together what is on record; `content` finds a file's content.
    ///
    /// # Errors
    /// When a content can't be found, or a role isn't known to this version.
    pub fn recorded<E: ToString>(
        manifest: &Manifest,
        mut content: impl FnMut(&Digest) -> Result<Option<Vec<u8>>, E>,
    ) -> Result<Material, Vec<String>> {
        let mut faults = Vec::new();
        let mut files = Vec::new();
        for ManifestFile { role, name, digest } in &manifest.files {
            match (Role::named(role), content(digest)) {
                (Some(role), Ok(Some(bytes))) => files.push(MaterialFile { role, name: name.clone(), bytes }),
                (None, _) => faults.push(format!("{name}: this version knows no files of the role `{role}`")),
                (_, Ok(None)) => faults.push(format!("{name}: its content isn't on record")),
                (_, Err(error)) => faults.push(format!("{name}: {}", error.to_string())),
            }
        }
        let shipped_rules = manifest.shipped_rules;
        if faults.is_empty() { Ok(Material { shipped_rules, files }) } else { Err(faults) }
    }

    /// The same by digests.
    #[must_use]
    pub fn manifest(&self) -> Manifest {
        let file = |file: &MaterialFile| ManifestFile {
            role: file.role.name().to_owned(),
            name: file.name.clone(),
            digest: Digest::of(&file.bytes),
        };
        Manifest { shipped_rules: self.shipped_rules, files: self.files.iter().map(file).collect() }
    }

    /// Parses the files, and admits, proves and compiles the rules. Rules with a fault are left out of the result.
    ///
    /// # Errors
    /// With every fault of every file.
    pub fn build(&self, engine: &Engine) -> Result<Built, Vec<String>> {
        let (settings, sources) = self.settings()?;
        let shipped = RULES.iter().filter(|_| self.shipped_rules);
        let mut rules: Vec<RuleFile> =
            shipped.map(|(id, bytes)| RuleFile { name: (*id).to_owned(), bytes: bytes.to_vec() }).collect();
        let own = self.files.iter().filter(|file| matches!(file.role, Role::Rule));
        rules.extend(own.map(|file| RuleFile { name: file.name.clone(), bytes: file.bytes.clone() }));
        let (generation, faults) = Generation::load(engine, rules, settings);
        let left_out = faults.iter().map(ToString::to_string).collect();
        Ok(Built { manifest: self.manifest(), generation, sources, left_out })
    }

    /// Its sources, without what else it has.
    ///
    /// # Errors
    /// With every fault of their file.
    pub fn sources(&self) -> Result<Sources, Vec<String>> {
        let mut faults = Vec::new();
        let mut files = self.files.iter().filter(|file| matches!(file.role, Role::Sources));
        let sources = files.next().and_then(|file| file.parse(Sources::parse, &mut faults)).map(|file| file.content);
        if faults.is_empty() { Ok(sources.unwrap_or_default()) } else { Err(faults) }
    }

    /// Its directory of identities, without what else it has.
    ///
    /// # Errors
    /// With every fault of its file.
    pub fn directory(&self) -> Result<Directory, Vec<String>> {
        let mut faults = Vec::new();
        let mut files = self.files.iter().filter(|file| matches!(file.role, Role::Identities));
        let directory = files.next().and_then(|file| file.parse(Directory::parse, &mut faults));
        if faults.is_empty() { Ok(directory.map(|file| file.content).unwrap_or_default()) } else { Err(faults) }
    }

    fn settings(&self) -> Result<(Settings, Sources), Vec<String>> {
        let mut settings = Settings::shipped().map_err(|faults| faults.lines().collect::<Vec<_>>())?;
        let mut sources = Sources::default();
        let mut faults = Vec::new();
        for file in &self.files {
            match file.role {
                Role::Rule => {}
                Role::Trust => set(&mut settings.trust, file.parse(Trust::parse, &mut faults)),
                Role::Policy => set(&mut settings.policy, file.parse(Policy::parse, &mut faults)),
                Role::Capabilities => {
                    set(&mut settings.capabilities, file.parse(Capabilities::parse, &mut faults));
                }
                Role::Identities => settings.directory = file.parse(Directory::parse, &mut faults),
                Role::Sources => {
                    if let Some(SourceFile { text, content, .. }) = file.parse(Sources::parse, &mut faults) {
                        settings.sources_text = Some(text);
                        sources = content;
                    }
                }
                Role::Context(table) => {
                    let added = settings.context.add(table.name, &file.name, file.bytes.clone());
                    faults.extend(added.err().iter().flat_map(|found| found.lines()));
                }
            }
        }
        if faults.is_empty() { Ok((settings, sources)) } else { Err(faults) }
    }
}

impl MaterialFile {
    fn parse<T>(
        &self,
        parse: fn(&str) -> Result<T, Vec<Diagnostic>>,
        faults: &mut Vec<String>,
    ) -> Option<SourceFile<T>> {
        let Ok(text) = String::from_utf8(self.bytes.clone()) else {
            faults.push(format!("`{}`: expected UTF-8 text, got something else", self.name));
            return None;
        };
        SourceFile::parse(self.name.clone(), text, parse).map_err(|found| faults.extend(found.lines())).ok()
    }
}

fn set<T>(place: &mut T, value: Option<T>) {
    if let Some(value) = value {
        *place = value;
    }
}

/// The components of a folder: every `*.wasm`, by name.
///
/// # Errors
/// When it can't be listed.
pub fn components(folder: &Path) -> std::io::Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(folder)? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "wasm") && path.is_file() {
            found.push(path);
        }
    }
    found.sort();
    Ok(found)
}
