//! Checks that the processes of a run compute the same.

use kennel_core::Settings;
use kennel_ranks::Ranks;
use serde_json::Value;

use crate::setup::Setup;
use crate::{Result, TrainError};

/// Compares this process with rank 0: version, kernels, device, photos, weights and settings.
/// Processes that differ in one of them would give their networks different bits.
///
/// # Errors
///
/// [`TrainError::RankDiffers`], in every process; those of the exchange.
pub fn check_alike(ranks: &Ranks, settings: &Settings, setup: &Setup) -> Result<()> {
    let weights = setup.facts.weights_sha256.as_deref();
    let facts = [
        ("version".to_string(), setup.facts.kennel_version.clone()),
        ("revision of the kernels".into(), kennel_kernels::REVISION.to_string()),
        ("instruction set".into(), kennel_kernels::instruction_set().into()),
        ("device".into(), setup.facts.device.clone()),
        ("photos with SHA-256".into(), setup.facts.manifest_sha256.clone()),
        ("weights with SHA-256".into(), weights.unwrap_or("none").into()),
    ];
    for (what, own) in facts.into_iter().chain(stated(settings)) {
        let all = ranks.gather(own.as_bytes())?;
        if let Some(rank) = all.iter().position(|other| *other != all[0]) {
            let text = |rank: usize| String::from_utf8_lossy(&all[rank]).into_owned();
            return Err(TrainError::RankDiffers { what, rank, found: text(rank), first: text(0) });
        }
    }
    Ok(())
}

/// The settings, by name, in an order that every process has. Where the photos lie is each
/// process's own. Sections are one setting, and what is left out is not there.
fn stated(settings: &Settings) -> Vec<(String, String)> {
    let settings = Settings { data_dir: String::new(), ..settings.clone() };
    let settings = serde_json::to_value(&settings).expect("plain data");
    let settings = settings.as_object().expect("settings are a table");
    let named = |(name, value): (&String, &Value)| (format!("setting {name}"), value.to_string());
    let mut all =
        vec![("settings".into(), settings.keys().cloned().collect::<Vec<_>>().join(", "))];
    all.extend(settings.iter().map(named));
    all
}
