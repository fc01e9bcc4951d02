//! Who used an account lately.

use axum::Json;
use axum::extract::State;
use countersign_daemon::{AccountActivity, activity_of};
use countersign_document::Table;
use countersign_model::Account;
use countersign_store::SqliteStore;

use crate::caller::Viewer;
use crate::server::Api;
use countersign_serving::Problem;
use countersign_serving::given::{Members, QueryMembers};

/// Whose activity is asked for; none only beside a fault, which says that it has to be there.
pub(crate) struct Whose(Option<Account>);

impl Members for Whose {
    fn read(table: &Table<'_>) -> Whose {
        let expected = "an account such as `aws:111122223333:AIDACKCEVSQ6C2EXAMPLE`";
        Whose(table.read("account", expected, |item| item.parsed(expected)))
    }
}

/// `GET /v1/activity`: who used an account on the last 30 days.
pub(crate) async fn activity(
    State(api): State<Api>,
    _viewer: Viewer,
    QueryMembers(whose): QueryMembers<Whose>,
) -> Result<Json<AccountActivity>, Problem> {
    api.blocking(move |api| {
        let account = whose.0.ok_or_else(|| Problem::internal("a query without an account"))?;
        let store = SqliteStore::read(&api.host().store_path()).map_err(Problem::internal)?;
        activity_of(&store, &account).map(Json).map_err(Problem::internal)
    })
    .await?
}
