//! `kennel man`.

use std::path::{Path, PathBuf};

use clap::{Args, Command};
use clap_mangen::Man;
use kennel_core::files;

use crate::failure::{CommandResult, Failure};
use crate::output::print;

const EXAMPLE: &str = "\
Examples:
  kennel man ~/.local/share/man/man1     then: man kennel, man kennel-train
  kennel man /usr/local/share/man/man1   for everybody on this machine, as root";

/// Where they go.
#[derive(Args)]
#[command(after_help = EXAMPLE)]
pub struct ManArgs {
    /// Folder for kennel.1 and a page per command; created if missing
    #[arg(value_name = "DIR")]
    folder: PathBuf,
}

/// Writes the manual pages of `program`.
pub fn run(args: ManArgs, program: Command) -> CommandResult {
    files::create_dir_all(&args.folder)?;
    // `build` adds the global flags to every command.
    let mut command = program.disable_help_subcommand(true);
    command.build();
    let mut pages = vec![write(&command, &args.folder)?];
    for subcommand in command.get_subcommands() {
        pages.push(write(subcommand, &args.folder)?);
    }
    print(&pages.iter().map(|page| format!("{}\n", page.display())).collect::<String>())
}

fn write(command: &Command, folder: &Path) -> Result<PathBuf, Failure> {
    let man = Man::new(command.clone());
    let page = folder.join(man.get_filename());
    files::write_atomically_with(&page, |file| man.render(file))?;
    Ok(page)
}
