//! Fetches from the command line: `fetch URL FOLDER` streams a tar, `fetch --hub REPO` a model into
//! the Hugging Face cache, `fetch --dogs URL FOLDER` five breeds of Stanford Dogs.

use std::path::Path;
use std::sync::atomic::AtomicBool;

use kennel_core::Task;
use kennel_core::task::Event;
use kennel_fetch::hub::{HubConfig, fetch_model};
use kennel_fetch::stanford_dogs::{self, Breeds};
use kennel_fetch::{Client, ClientConfig, TarSource, stream_tar};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let client = Client::new(ClientConfig::default());
    let stop = AtomicBool::new(false);
    let on_event = |event: Event<'_>| {
        if !matches!(event, Event::Bytes { .. }) {
            eprintln!("{event:?}");
        }
    };
    let task = Task::new(&stop, &on_event);
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["--hub", repo] => {
            let files = ["config.json", "model.safetensors"];
            let folder = fetch_model(&client, &HubConfig::from_env()?, repo, "main", &files, task)?;
            println!("{}", folder.display());
        }
        ["--dogs", url, folder] => {
            let source = stanford_dogs::Source::mirror(url, Breeds::Five);
            let outcome =
                stanford_dogs::fetch(&client, &source, Breeds::Five, Path::new(folder), task)?;
            println!("{outcome:?}");
        }
        [url, folder] => {
            let source = TarSource {
                url,
                size: None,
                sha256: None,
                max_bytes: 2 << 30,
                keep: &|path| path.extension().is_some_and(|extension| extension == "jpg"),
                choice: "jpg",
                check: &|_| Ok(()),
            };
            let streamed = stream_tar(&client, &source, Path::new(folder), task)?;
            println!("{} files", streamed.files.len());
        }
        _ => {
            return Err(
                "usage: fetch URL FOLDER | fetch --hub REPO | fetch --dogs URL FOLDER".into()
            );
        }
    }
    Ok(())
}
