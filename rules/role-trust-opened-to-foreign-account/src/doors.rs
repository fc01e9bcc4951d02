//! State of an actor: the identity providers that it made, and those that it opened roles to.

use std::borrow::Cow;

use countersign_sdk::Json;
use countersign_sdk::prelude::*;

use crate::Event;

/// The number of providers that are remembered of each kind; beyond it the one seen longest ago is forgotten.
const MAX_PROVIDERS: usize = 16;

/// Every trust anchor of IAM Roles Anywhere: a role trusts the service, which takes certificates of any anchor.
pub(crate) const ROLES_ANYWHERE: &str = "rolesanywhere.amazonaws.com";

/// State of an actor. Kept references are the latest makings and openings.
#[derive(State)]
#[state(slot = "doors")]
pub(crate) struct Doors {
    /// Providers and anchors that the actor made or replaced.
    made: SlidingDistinct<MAX_PROVIDERS>,
    /// Those that it opened roles to, whoever made them.
    opened: SlidingDistinct<MAX_PROVIDERS>,
    /// Those of which a finding was reported.
    reported: SlidingDistinct<MAX_PROVIDERS>,
}

impl Doors {
    /// Remembers that a provider was made.
    pub(crate) fn make(&mut self, provider: &str, at: Timestamp, window: Duration) {
        self.made.add(provider, at, window);
    }

    /// Remembers that a role was opened to a provider.
    pub(crate) fn open(&mut self, provider: &str, at: Timestamp, window: Duration) {
        self.opened.add(provider, at, window);
    }

    /// How long before an event the actor made a provider, negative if after; none if it didn't, or not within the window.
    pub(crate) fn made_before(&self, provider: &str, at: Timestamp, window: Duration) -> Option<Duration> {
        within(self.made.last_seen(provider), at, window)
    }

    /// The same of having opened a role to it.
    pub(crate) fn opened_before(&self, provider: &str, at: Timestamp, window: Duration) -> Option<Duration> {
        within(self.opened.last_seen(provider), at, window)
    }

    /// Whether a finding of a provider was reported within the window.
    pub(crate) fn is_reported(&self, provider: &str, at: Timestamp, window: Duration) -> bool {
        within(self.reported.last_seen(provider), at, window).is_some()
    }

    /// Remembers that one was.
    pub(crate) fn report(&mut self, provider: &str, at: Timestamp, window: Duration) {
        self.reported.add(provider, at, window);
    }
}

fn within(seen: Option<Timestamp>, at: Timestamp, window: Duration) -> Option<Duration> {
    let ago = at - seen?;
    (ago < window && Duration::from_micros(ago.micros().saturating_neg()) < window).then_some(ago)
}

/// The provider that a call made, or whose keys it replaced: what of its ARN follows the account, in lower case;
/// [`ROLES_ANYWHERE`] for any trust anchor.
pub(crate) fn provider_made(event: &Event<'_>) -> Option<String> {
    let request = event.api_request_data().and_then(Json::parse);
    let response = event.api_response_data().and_then(Json::parse);
    let text = |body: Option<Json<'_>>, name: &str| -> Option<String> {
        body.and_then(|body| body.get_ignoring_case(name)).and_then(Json::text).map(Cow::into_owned)
    };
    let arn = |name: &str| text(response, name).or_else(|| text(request, name)).map(|arn| resource(&arn));
    match event.api_operation()? {
        "CreateOpenIDConnectProvider" => arn("openIDConnectProviderArn").or_else(|| {
            let url = text(request, "url")?.to_lowercase();
            let issuer = url.strip_prefix("https://").unwrap_or(&url).trim_end_matches('/');
            Some(format!("oidc-provider/{issuer}"))
        }),
        "CreateSAMLProvider" | "UpdateSAMLProvider" => {
            arn("sAMLProviderArn").or_else(|| Some(format!("saml-provider/{}", text(request, "name")?.to_lowercase())))
        }
        "CreateTrustAnchor" | "EnableTrustAnchor" => Some(ROLES_ANYWHERE.to_owned()),
        // Another name or notification changes nothing about who is trusted.
        "UpdateTrustAnchor" => request?.get("source").map(|_| ROLES_ANYWHERE.to_owned()),
        _ => None,
    }
}

/// What of an ARN follows the account, in lower case.
pub(crate) fn resource(arn: &str) -> String {
    arn.splitn(6, ':').nth(5).unwrap_or(arn).trim_end_matches('/').to_lowercase()
}
