//! Whom a source speaks for: which accounts it is believed about.

use std::fmt;

use countersign_model::vocabulary::ActionClass;
use countersign_model::{Account, Binding, Event, SourceId};
use glob::Pattern;

use crate::FORMATS;
use crate::envelope::Envelopes;

/// What a source is bound to. [`SourceBinding::mark`] marks its events by it.
#[derive(Clone, Debug, PartialEq)]
pub struct SourceBinding {
    /// Its name; none for the format's.
    name: Option<SourceId>,
    tenants: Tenants,
    highest_class: ActionClass,
    /// Those whose text is believed.
    envelopes: Envelopes,
}

#[derive(Clone, Debug, PartialEq)]
enum Tenants {
    /// Those of the format's provider, if it has one.
    OfFormat,
    /// Those that match any of these.
    Named(Vec<TenantPattern>),
}

/// A pattern of tenants: `provider:tenant`, in which `*` stands for any text.
#[derive(Clone, Debug, PartialEq)]
pub struct TenantPattern {
    provider: Pattern,
    tenant: Pattern,
}

impl TenantPattern {
    /// Reads a pattern.
    ///
    /// # Errors
    /// When it isn't `provider:tenant`; the error says what was expected.
    pub fn parse(text: &str) -> Result<TenantPattern, String> {
        let expected = || "`provider:tenant`, such as `aws:111122223333` or `okta:*`".to_owned();
        let (provider, tenant) = text.split_once(':').ok_or_else(expected)?;
        let is_plain = |part: &str| !part.is_empty() && !part.contains(['?', '[', ']']);
        if !is_plain(provider) || !is_plain(tenant) || tenant.contains(':') {
            return Err(expected());
        }
        let pattern = |part: &str| Pattern::new(part).map_err(|_| expected());
        Ok(TenantPattern { provider: pattern(provider)?, tenant: pattern(tenant)? })
    }

    fn matches(&self, account: &Account) -> bool {
        self.provider.matches(&account.provider) && self.tenant.matches(&account.tenant)
    }
}

impl fmt::Display for TenantPattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}:{}", self.provider, self.tenant)
    }
}

impl SourceBinding {
    /// Of a format without a source: one provider's format speaks for that provider. OCSF, which can name anybody, speaks for
    /// nobody.
    pub const OF_FORMAT: SourceBinding = SourceBinding {
        name: None,
        tenants: Tenants::OfFormat,
        highest_class: ActionClass::Contain,
        envelopes: Envelopes::NONE,
    };

    /// Of a named source that speaks for the tenants that match any of these patterns, with the greatest class of action that
    /// it may lead to.
    #[must_use]
    pub fn named(name: SourceId, tenants: Vec<TenantPattern>, highest_class: ActionClass) -> SourceBinding {
        SourceBinding { name: Some(name), tenants: Tenants::Named(tenants), highest_class, envelopes: Envelopes::NONE }
    }

    /// The same, and believed about records out of the text of these envelopes too.
    #[must_use]
    pub fn with_envelopes(self, envelopes: Envelopes) -> SourceBinding {
        SourceBinding { envelopes, ..self }
    }

    /// The source's name; none for the format's.
    #[must_use]
    pub fn name(&self) -> Option<&SourceId> {
        self.name.as_ref()
    }

    /// The tenants that it speaks for; none for those of the format's provider.
    #[must_use]
    pub fn tenants(&self) -> Option<&[TenantPattern]> {
        match &self.tenants {
            Tenants::OfFormat => None,
            Tenants::Named(patterns) => Some(patterns),
        }
    }

    /// The greatest class of action that it may lead to.
    #[must_use]
    pub fn highest_class(&self) -> ActionClass {
        self.highest_class
    }

    /// The envelopes whose text is believed.
    #[must_use]
    pub fn envelopes(&self) -> Envelopes {
        self.envelopes
    }

    /// Marks an event that the source has delivered, taken out of the text of these envelopes. Of one about an account that
    /// the source doesn't speak for nothing is believed but that it names it: nobody authenticated, and no type is proved.
    ///
    /// INVARIANT: the same goes for one out of the text of an envelope that the source doesn't name. Who may have a line
    /// logged or a message sent may write anything into it.
    pub fn mark(&self, event: &mut Event, out_of: Envelopes) {
        let is_its_own = self.envelopes.contain(out_of);
        let acted_on = event.target.as_ref().map(|target| &target.account);
        let target_bound = is_its_own && self.speaks_for(event, acted_on);
        let own = Binding { bound: true, target_bound, highest_class: self.highest_class };
        // What the record itself says may be worth less: see `normalise::Certainty`.
        let binding = event.binding.weakest(own);
        if is_its_own && self.speaks_for(event, event.actor.account.as_ref().or(acted_on)) {
            event.binding = binding;
        } else {
            event.binding = binding.weakest(Binding::NOT_BOUND);
            event.actor.authenticated = false;
            event.chain.iter_mut().for_each(|member| member.proved_type = None);
            event.target.iter_mut().for_each(|target| target.proved_type = None);
        }
        if let Some(name) = &self.name {
            event.source = name.clone();
        }
    }

    /// Whether it speaks for an account of an event; without one, whether it speaks for the tenant whose telemetry it is.
    fn speaks_for(&self, event: &Event, about: Option<&Account>) -> bool {
        match &self.tenants {
            Tenants::OfFormat => provider_of(&event.source)
                .is_some_and(|provider| about.is_none_or(|account| account.provider == provider)),
            // AWS's own services are in no customer's tenant: who may speak for any of them speaks for the services.
            Tenants::Named(patterns) => patterns.iter().any(|pattern| match about {
                Some(account) => {
                    let service = account.provider == "aws" && account.tenant == "aws";
                    pattern.matches(account) || (service && pattern.provider.matches("aws"))
                }
                None => {
                    let provider = provider_of(&event.source).is_none_or(|provider| pattern.provider.matches(provider));
                    provider && pattern.tenant.matches(&event.tenant)
                }
            }),
        }
    }
}

/// The one provider of a format, by its name.
fn provider_of(format: &str) -> Option<&'static str> {
    FORMATS.iter().find(|known| known.name() == format).and_then(|known| known.provider())
}

#[cfg(test)]
#[path = "../tests/unit/binding.rs"]
mod tests;
