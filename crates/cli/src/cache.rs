//! The flags of the feature cache.

use std::path::PathBuf;

use bytesize::ByteSize;
use clap::Args;
use kennel_train::CacheOptions;

use crate::folders::CACHE_DIR;

#[derive(Args)]
pub struct CacheArgs {
    /// Folder for cached features; safe to delete
    #[arg(long, value_name = "DIR", env = "KENNEL_CACHE_DIR", hide_env_values = true, default_value = CACHE_DIR, help_heading = "Frozen backbone")]
    cache_dir: PathBuf,
    /// Size limit of that folder, for all runs, such as 500MB or 8GiB; 0 caches nothing
    #[arg(
        long,
        value_name = "SIZE",
        env = "KENNEL_CACHE_SIZE",
        hide_env_values = true,
        default_value = "8GiB",
        help_heading = "Frozen backbone"
    )]
    cache_size: ByteSize,
}

impl CacheArgs {
    pub fn options(&self) -> CacheOptions {
        CacheOptions { dir: self.cache_dir.clone(), max_bytes: self.cache_size.as_u64() }
    }
}
