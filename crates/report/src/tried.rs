//! What a run tried before it chose its network.

use kennel_core::{AutoRecord, CandidateRecord, RunDir, SearchRecord, SearchTrial};
use serde::Serialize;

use crate::Result;

/// The networks among which a run chose.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Tried {
    /// The trials of a search; empty without one.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub trials: Vec<SearchTrial>,
    /// The candidates of the strategy `auto`; empty for other strategies.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub candidates: Vec<CandidateRecord>,
    /// Index of the chosen one.
    pub chosen: usize,
}

impl Tried {
    /// Reads `search.json` or `auto.json`. Returns `None` when the run has neither.
    ///
    /// # Errors
    ///
    /// A file that is damaged.
    pub fn read(run: &RunDir) -> Result<Option<Self>> {
        if run.search().exists() {
            let SearchRecord { trials, chosen, .. } = SearchRecord::read(&run.search())?;
            return Ok(Some(Tried { trials, candidates: Vec::new(), chosen }));
        }
        if run.auto().exists() {
            let AutoRecord { candidates, chosen, .. } = AutoRecord::read(&run.auto())?;
            return Ok(Some(Tried { trials: Vec::new(), candidates, chosen }));
        }
        Ok(None)
    }
}
