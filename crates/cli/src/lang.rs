//! The language of pages.

use clap::Args;
use kennel_core::Lang;

use crate::hints::parsed;

/// The language of the page that a command writes.
#[derive(Args)]
pub struct LangArg {
    /// Language of the page: en or ru
    #[arg(long, value_name = "LANG", value_parser = parsed::<Lang>, default_value_t)]
    pub lang: Lang,
}
