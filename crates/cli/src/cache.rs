//! The flags of the feature cache.

use std::path::PathBuf;

use bytesize::ByteSize;
use clap::Args;
use kennel_train::CacheOptions;

use crate::number::bytes;
use crate::resolve::CACHE_DIR;

#[derive(Args)]
pub struct CacheArgs {
    /// Where what the frozen trunk makes of the photos is kept; safe to delete
    #[arg(long, value_name = "DIR", env = "KENNEL_CACHE_DIR", hide_env_values = true, default_value = CACHE_DIR, help_heading = "Frozen trunk")]
    cache_dir: PathBuf,
    /// Most that is kept there, by all runs, such as 500MB or 8GiB; 0 keeps nothing
    #[arg(
        long,
        value_name = "SIZE",
        env = "KENNEL_CACHE_SIZE",
        hide_env_values = true,
        default_value = "8GiB",
        value_parser = bytes,
        help_heading = "Frozen trunk"
    )]
    cache_size: ByteSize,
}

impl CacheArgs {
    pub fn options(&self) -> CacheOptions {
        CacheOptions { dir: self.cache_dir.clone(), max_bytes: self.cache_size.as_u64() }
    }
}
