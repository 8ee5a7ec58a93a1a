//! Checks that the processes of a run compute the same.

use kennel_core::{Settings, files};
use kennel_ranks::Ranks;

use crate::setup::Setup;
use crate::{Result, TrainError};

/// Compares this process with rank 0: version, kernels, device, photos, weights and settings.
/// Processes that differ in one of them would give their networks different bits.
///
/// # Errors
///
/// [`TrainError::RankDiffers`], in every process; those of the exchange.
pub fn check_alike(ranks: &Ranks, settings: &Settings, setup: &Setup) -> Result<()> {
    // Where the photos lie is each process's own.
    let settings = Settings { data_dir: String::new(), ..settings.clone() };
    let settings = serde_json::to_vec(&settings).expect("plain data");
    let weights = setup.facts.weights_sha256.as_deref();
    let facts = [
        ("version", setup.facts.kennel_version.clone()),
        ("revision of the kernels", kennel_kernels::REVISION.to_string()),
        ("instruction set", kennel_kernels::instruction_set().into()),
        ("device", setup.facts.device.clone()),
        ("photos with SHA-256", setup.facts.manifest_sha256.clone()),
        ("weights with SHA-256", weights.unwrap_or("none").into()),
        ("settings with SHA-256", files::sha256_bytes(&settings)),
    ];
    for (what, own) in facts {
        let all = ranks.gather(own.as_bytes())?;
        if let Some(rank) = all.iter().position(|other| *other != all[0]) {
            let text = |rank: usize| String::from_utf8_lossy(&all[rank]).into_owned();
            return Err(TrainError::RankDiffers { what, rank, found: text(rank), first: text(0) });
        }
    }
    Ok(())
}
