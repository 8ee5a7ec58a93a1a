"""Runs the examples for batch schedulers: Slurm with one node, the Jobs of Kubernetes without a cluster, GNU parallel.

    python tools/check_schedulers.py --kennel target/release/kennel [--only slurm kubernetes parallel]

Draws a small study of 8 experiments and runs examples/slurm, examples/kubernetes and examples/parallel as they are:
each experiment is trained once, one whose process is ended resumes, the report is written, the same again trains
nothing, and the parts of `kennel predict` are together what one process writes. All of them train the same runs. The
Jobs are also held to the schema of Kubernetes (kubernetes-validate from PyPI, in an environment of its own).

Needs Linux, root, apt and the network. Debian's packages (Slurm, munge, GNU parallel, OpenSSH) go into an overlay of /
in memory, and the daemons into namespaces of their own: nothing of them remains. A line for each check; exit code 1
when something is not so.
"""

import argparse
import collections
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import tarfile
import tempfile
import time
import tomllib

import tiny_study
from checking import Failed, ok, run, wait_until

EXAMPLES = pathlib.Path(__file__).resolve().parent.parent / "examples"
PACKAGES = "slurmctld slurmd slurm-client munge parallel openssh-server openssh-client iproute2".split()
SCHEDULERS = ["slurm", "kubernetes", "parallel"]
# The grid of the examples.
STRATEGIES, SEEDS = ["freeze", "full"], [42, 43, 44, 45]
EXPERIMENTS = {(strategy, seed) for strategy in STRATEGIES for seed in SEEDS}
# In place of the examples' study.toml: seconds, and no pretrained weights.
STUDY = """\
model = "test_resnet"
weights = "none"
epochs = 20
batch_size = 8

[preprocessing]
side_px = 32
"""
# Of the network for examples (RFC 5737), on the loopback device of a namespace.
ADDRESS = "192.0.2.1"
# A node that has what the examples ask for, whatever this machine has.
SLURM_CONF = """\
ClusterName=one
SlurmctldHost=node
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
# A task that is queued again waits as long as this, 120 s by default.
AuthInfo=cred_expire=5
ProctrackType=proctrack/linuxproc
TaskPlugin=task/none
SelectType=select/cons_tres
SelectTypeParameters=CR_Core_Memory
SchedulerParameters=batch_sched_delay=0,sched_interval=1,bf_interval=1
SlurmdParameters=config_overrides
StateSaveLocation=/var/lib/slurm/ctld
SlurmdSpoolDir=/var/spool/slurmd
SlurmctldLogFile=/var/log/slurm/ctld.log
SlurmdLogFile=/var/log/slurm/d.log
MpiDefault=none
ReturnToService=2
NodeName=node CPUs=64 RealMemory=262144 State=UNKNOWN
PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP
"""
SSHD_CONF = """\
ListenAddress 127.0.0.1
HostKey /mnt/ssh/host_key
AuthorizedKeysFile /mnt/ssh/key.pub
StrictModes no
PermitRootLogin prohibit-password
PidFile none
"""
SSH_CONF = """\
Host alpha beta
  HostName 127.0.0.1
  User root
  IdentityFile /mnt/ssh/key
  IdentitiesOnly yes
  StrictHostKeyChecking no
  UserKnownHostsFile /dev/null
  LogLevel ERROR
"""


def one_for_each(said):
    """Whether every share had one experiment; otherwise the first would train all, and the others nothing."""
    shares = set(re.findall(r"shard +(\d+/8)\b.*: (\d+) of 8 experiments", said))
    if shares != {(f"{index}/8", "1") for index in range(8)}:
        raise Failed(f"experiments by share: {sorted(shares)}")


# The namespaces.


def validate(work):
    """Holds the manifests to the schema of Kubernetes, and writes them as JSON."""
    python = work / "python"
    run([sys.executable, "-m", "venv", python])
    run([python / "bin/pip", "install", "--quiet", "kubernetes-validate==1.37.0"])
    files = sorted((EXAMPLES / "kubernetes").glob("*.yaml"))
    said = run([python / "bin/kubernetes-validate", "--strict", *files], stdin=subprocess.DEVNULL)
    ok(f"kubernetes: {len(files)} files against the schema of {re.search('version (.*)', said)[1]}, strict")
    read = "import json, sys, yaml; print(json.dumps([d for f in sys.argv[1:] for d in yaml.safe_load_all(open(f))]))"
    (work / "manifests.json").write_text(run([python / "bin/python", "-c", read, *files]))


def enter(arguments):
    """Mounts an overlay of / and installs the packages into it; then leaves the network."""
    started, layers = time.monotonic(), arguments.work / "layers"
    layers.mkdir()
    run(["mount", "-t", "tmpfs", "-o", "size=4g", "tmpfs", layers])
    for name in ["upper", "work", "root"]:
        (layers / name).mkdir()
    root = layers / "root"
    options = f"lowerdir=/,upperdir={layers}/upper,workdir={layers}/work"
    run(["mount", "-t", "overlay", "overlay", "-o", options, root])
    run(["mount", "-t", "proc", "proc", root / "proc"])
    for name in ["dev", "sys"]:
        run(["mount", "--rbind", f"/{name}", root / name])
    # Packages must not start their daemons.
    policy = root / "usr/sbin/policy-rc.d"
    policy.write_text("#!/bin/sh\nexit 101\n")
    policy.chmod(0o755)
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    run(["chroot", root, "apt-get", "update", "-qq"], env=environment)
    install = ["apt-get", "install", "-y", "-qq", "--no-install-recommends"]
    run(["chroot", root, *install, *PACKAGES], env=environment)
    shutil.copy(arguments.kennel, root / "usr/local/bin/kennel")
    ok(f"packages in an overlay ({time.monotonic() - started:.0f} s)")
    stage = [sys.executable, __file__, *sys.argv[1:], "--stage", "checks"]
    os.execvp("unshare", ["unshare", "--net", *stage])


class Machine:
    """The overlay, with a network and a name of its own."""

    def __init__(self, root):
        self.root, self.studies = root, []
        run(["chroot", root, "ip", "link", "set", "lo", "up"])
        # Slurm asks for names with AI_ADDRCONFIG, which finds none on a machine with loopback addresses alone.
        run(["chroot", root, "ip", "address", "add", f"{ADDRESS}/32", "dev", "lo"])
        run(["hostname", "node"])
        (root / "etc/hosts").write_text(f"127.0.0.1 localhost\n{ADDRESS} node\n")

    def command(self, command, folder="/", user=None, **variables):
        """The command line that runs a command in the overlay, with these variables and no others."""
        variables = {"PATH": "/usr/local/bin:/usr/bin:/bin:/usr/sbin:/sbin", "LANG": "C.UTF-8"} | variables
        chroot = ["chroot", *([f"--userspec={user}"] if user else []), self.root]
        return [*chroot, "env", "-i", "-C", folder, *(f"{k}={v}" for k, v in variables.items()), *command]

    def run(self, command, folder="/", user=None, **variables):
        return run(self.command(command, folder, user, **variables))

    def path(self, folder):
        return self.root / folder.lstrip("/")


class Study:
    """A folder with a small study, as a user of the examples has it."""

    def __init__(self, machine, folder):
        self.machine, self.folder, self.path = machine, folder, machine.path(folder)
        machine.studies.append(self)
        self.path.mkdir(parents=True)
        (self.path / "study.toml").write_text(STUDY)
        shutil.copytree(machine.path("/mnt/data"), self.path / "data/processed")

    def add(self, example, *names):
        for name in names:
            shutil.copy(EXAMPLES / example / name, self.path)

    def run(self, command, **variables):
        return self.machine.run(command, self.folder, HOME="/root", **variables)

    def run_script(self, *command, **variables):
        """Runs a script of the examples; all that it said."""
        return run(self.machine.command(command, self.folder, HOME="/root", **variables), stderr=subprocess.STDOUT)

    def runs(self):
        return {path for path in self.path.glob("runs/*") if path.is_dir() and not path.name.startswith(".")}

    def training(self):
        """A run of the strategy that takes longest that is past its first epoch."""
        runs = [run for run in self.runs() if "-full-" in run.name and (run / "metrics.jsonl").is_file()]
        return next((run for run in runs if not (run / "evaluation.json").exists()), None)

    def each_once(self):
        """The runs by experiment."""
        found = collections.defaultdict(list)
        for path in self.runs():
            if not (path / "evaluation.json").is_file():
                raise Failed(f"{path.name} is not finished")
            settings = tomllib.loads((path / "config.toml").read_text())
            found[settings["strategy"], settings["seed"]].append(path)
        wrong = {experiment: len(runs) for experiment, runs in found.items() if len(runs) != 1}
        if wrong or set(found) != EXPERIMENTS:
            raise Failed(f"missing: {EXPERIMENTS - set(found)}; not once: {wrong}; beyond: {set(found) - EXPERIMENTS}")
        return {experiment: runs[0] for experiment, runs in found.items()}

    def reported(self):
        """Whether the report has every run."""
        page = self.path / "results/report.html"
        if not page.is_file():
            raise Failed("there is no results/report.html")
        missing = [run.name for run in self.runs() if run.name not in page.read_text()]
        if missing:
            raise Failed(f"the report lacks {missing}")
        if (self.path / "models").exists():
            raise Failed("a share exported a network")

    def a_run(self):
        return f"runs/{self.each_once()['full', 42].name}"

    def list_photos(self):
        """Lists photos, a folder and a tar; returns what one process says of them."""
        help_text = self.run(["kennel", "predict", "--help"])
        if "--list" not in help_text:
            raise Failed("`kennel predict` has no --list: this binary cannot label a list in parts")
        photos = self.machine.path("/mnt/photos")
        shutil.copytree(photos / "across", self.path / "new/across")
        with tarfile.open(self.path / "new/down.tar", "w") as tar:
            for photo in sorted((photos / "down").iterdir()):
                tar.add(photo, photo.name)
        for index in range(3):
            shutil.copy(photos / f"down/{index:02}.png", self.path / f"new/{index}.png")
        (self.path / "photos.txt").write_text("new/0.png\nnew/across\nnew/1.png\nnew/down.tar\nnew/2.png\n")
        whole = ["kennel", "predict", "--list", "photos.txt", "--run", self.a_run(), "--format", "jsonl"]
        self.run([*whole, "--out", "whole.jsonl"])
        rows = (self.path / "whole.jsonl").read_bytes()
        if len(rows.splitlines()) != 31:
            raise Failed(f"one process wrote {len(rows.splitlines())} lines for 31 photos")
        return rows

    def parts(self, whole):
        """When every part was written; together they have to be the whole."""
        parts = [self.path / f"labels/part-{index}.jsonl" for index in range(100)]
        if b"".join(part.read_bytes() for part in parts) != whole:
            raise Failed("the parts in order are not what one process writes")
        beyond = {path.name for path in (self.path / "labels").iterdir()} - {part.name for part in parts}
        if beyond:
            raise Failed(f"beside the parts there are {beyond}")
        return [(part.stat().st_mtime_ns, part.stat().st_ino) for part in parts]

    def label(self, name, once):
        """Labels a list in parts by `once`, and again."""
        whole = self.list_photos()
        once()
        written = self.parts(whole)
        ok(f"{name}: 100 parts in order are what one process writes, {len(whole.splitlines())} lines")
        (self.path / "labels/part-7.jsonl").unlink()
        once()
        again = self.parts(whole)
        if [index for index in range(100) if again[index] != written[index]] != [7]:
            raise Failed("a part that exists was written again")
        ok(f"{name}: the same again writes only the part that is missing")


# Slurm.


class Slurm:
    def __init__(self, machine):
        self.machine = machine
        for folder in ["/run/munge", "/var/lib/slurm/ctld", "/var/spool/slurmd", "/var/log/slurm", "/etc/slurm"]:
            machine.path(folder).mkdir(parents=True, exist_ok=True)
        machine.path("/etc/slurm/slurm.conf").write_text(SLURM_CONF)
        munged = "chown munge /run/munge && exec su -s /bin/sh munge -c /usr/sbin/munged"
        for daemon in [["sh", "-c", munged], ["slurmctld"], ["slurmd"]]:
            # Not captured: a daemon would keep the pipe open.
            subprocess.run(machine.command(daemon), check=True, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL)
        wait_until("an idle node", lambda: "idle" in machine.run(["sinfo", "-h", "-o", "%T"]), 60)
        ok(f"slurm: {machine.run(['sinfo', '--version']).strip()} has an idle node")

    def submit(self, study, *arguments):
        return study.run(["sbatch", "--parsable", *arguments]).strip()

    def finish(self, study, *jobs):
        """Waits for jobs; the record of each task."""

        def records():
            shown = "".join(self.machine.run(["scontrol", "-o", "show", "job", job]) for job in jobs)
            found = [dict(re.findall(r"(\w+)=(\S*)", line)) for line in shown.splitlines() if line]
            # Without an array's own record, which is there while tasks wait.
            return None if any(r["JobState"] in ("PENDING", "RUNNING", "COMPLETING") for r in found) else found

        found = wait_until(f"the end of jobs {', '.join(jobs)}", records, 300)
        wrong = [record for record in found if record["JobState"] != "COMPLETED"]
        if wrong:
            log = pathlib.Path(f"{self.machine.root}{wrong[0]['StdOut']}")
            said = log.read_text()[-3000:] if log.is_file() else "no log"
            raise Failed(f"job {wrong[0]['JobId']} is {wrong[0]['JobState']}, {wrong[0].get('Reason')}\n{said}")
        return found


def check_slurm(machine):
    slurm, study = Slurm(machine), Study(machine, "/mnt/slurm")
    study.add("slurm", "study.sbatch", "report.sbatch", "predict.sbatch")
    (study.path / "logs").mkdir()

    example = machine.path("/mnt/study.toml")
    shutil.copy(EXAMPLES / "slurm/study.toml", example)
    plan = "kennel run --config /mnt/study.toml --models test_resnet --weights test_resnet=none --dry-run --format json"
    plan = json.loads(study.run([*plan.split(), "--strategies", "freeze,full", "--seeds", "42,43,44,45"]))
    if len(plan["experiments"]) != len(EXPERIMENTS):
        raise Failed(f"study.toml plans {len(plan['experiments'])} experiments")
    ok("slurm: study.toml is read")

    started = time.monotonic()
    array = slurm.submit(study, "study.sbatch")
    report = slurm.submit(study, f"--dependency=afterok:{array}", "report.sbatch")
    stopped = wait_until("a run past its first epoch", study.training).name
    logs = f"logs/kennel-study-{array}_*.log"
    log = next(log for log in study.path.glob(logs) if stopped in log.read_text())
    machine.run(["scontrol", "requeue", f"{array}_{log.stem.rsplit('_', 1)[1]}"])
    tasks = slurm.finish(study, array, report)
    study.each_once()
    one_for_each("".join(log.read_text() for log in study.path.glob(logs)))
    ok(f"slurm: an array of 8 trained 8 experiments once each ({time.monotonic() - started:.0f} s)")
    restarted = [task for task in tasks if task["Restarts"] != "0"]
    said = log.read_text()
    if len(restarted) != 1 or "stopped" not in said or ", resumes" not in said:
        raise Failed(f"the task that was queued again did not stop and resume\n{said[-3000:]}")
    ok("slurm: the task that was queued again stopped and resumed its run")
    study.reported()
    ok("slurm: the dependent job wrote the report of all of them")

    before = {run: tiny_study.tree_contents(run) for run in study.runs()}
    slurm.finish(study, slurm.submit(study, "study.sbatch"))
    if before != {run: tiny_study.tree_contents(run) for run in study.runs()}:
        raise Failed("the array again changed runs")
    ok("slurm: the same array again trains nothing")
    study.label("slurm", lambda: slurm.finish(study, slurm.submit(study, "predict.sbatch", study.a_run())))


# Kubernetes.


class Pods:
    """Runs the container of a Job by hand, as the kubelet would."""

    def __init__(self, machine, job, claims):
        self.machine, self.name = machine, job["metadata"]["name"]
        self.completions = job["spec"].get("completions", 1)
        pod = job["spec"]["template"]["spec"]
        (self.container,) = pod["containers"]
        volumes = {volume["name"]: volume["persistentVolumeClaim"]["claimName"] for volume in pod["volumes"]}
        (mount,) = self.container["volumeMounts"]
        self.volume = mount["mountPath"]
        if volumes[mount["name"]] not in claims or self.container["workingDir"] != self.volume:
            raise Failed(f"{self.name}: claims {claims}, volumes {volumes}, mount {mount}")
        security = pod["securityContext"]
        self.user = f"{security['runAsUser']}:{security['runAsGroup']}"
        if "Indexed" == job["spec"].get("completionMode"):
            shares = re.findall(r"\bauto/(\d+)", " ".join(self.container["args"]))
            if shares != [str(self.completions)]:
                raise Failed(f"{self.name}: {self.completions} completions, --shard auto/{shares}")

    def command(self, index, **instead):
        variables = {entry["name"]: entry["value"] for entry in self.container.get("env", [])}
        variables |= {"JOB_COMPLETION_INDEX": str(index)} | instead
        line = self.container["command"] + self.container["args"]
        line = [re.sub(r"\$\((\w+)\)", lambda name: variables[name[1]], part) for part in line]
        return self.machine.command(line, self.container["workingDir"], self.user, **variables)

    def run(self, **instead):
        """Runs every index; what they said."""
        commands = (self.command(index, **instead) for index in range(self.completions))
        return "".join(run(command, stderr=subprocess.STDOUT) for command in commands)


def check_kubernetes(machine, work):
    manifests = json.loads((work / "manifests.json").read_text())
    claims = {found["metadata"]["name"] for found in manifests if found["kind"] == "PersistentVolumeClaim"}
    jobs = [Pods(machine, found, claims) for found in manifests if found["kind"] == "Job"]
    jobs = {job.name: job for job in jobs}
    train = jobs["kennel-study"]
    study = Study(machine, train.volume)
    run(["chown", "-R", train.user, study.path])

    started = time.monotonic()
    # A pod that is gone without a word, and its successor.
    index = next(index for index in range(train.completions) if "full" in plan_of(train, index))
    pod = subprocess.Popen(train.command(index), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    ended = wait_until("a run past its first epoch", study.training)
    pod.kill()
    pod.wait()
    one_for_each(train.run())
    if ended != study.each_once()[experiment_of(ended)]:
        raise Failed("the successor of the killed pod began a new run")
    ok(f"kubernetes: indices 0 to 7 trained 8 experiments once each ({time.monotonic() - started:.0f} s)")
    ok("kubernetes: the successor of a killed pod resumed its run")
    jobs["kennel-report"].run()
    study.reported()
    ok("kubernetes: the job of the report wrote that of all of them")
    (study.path / "labels").mkdir()
    os.chown(study.path / "labels", *map(int, train.user.split(":")))
    study.label("kubernetes", lambda: jobs["kennel-predict"].run(RUN=study.a_run()))


def plan_of(job, index):
    return run([*job.command(index), "--dry-run"])


def experiment_of(run_folder):
    settings = tomllib.loads((run_folder / "config.toml").read_text())
    return settings["strategy"], settings["seed"]


# GNU parallel.


def check_parallel(machine):
    study = Study(machine, "/mnt/parallel")
    study.add("parallel", "study.sh", "predict.sh")
    started = time.monotonic()
    one_for_each(study.run_script("./study.sh"))
    study.each_once()
    study.reported()
    ok(f"parallel: 8 shares trained 8 experiments once each, and the report ({time.monotonic() - started:.0f} s)")

    grid = ["--strategies", "freeze,full", "--seeds", "42,43,44,45", "--dry-run", "--format", "json"]
    counted = ["parallel", "-N0", "kennel", "run", "--config", "study.toml", "--shard", "auto/8", *grid]
    plans = study.run([*counted, ":::", *map(str, range(8))])
    if sorted(map(int, re.findall(r'"index": (\d+)', plans))) != list(range(1, 9)):
        raise Failed(f"--shard auto/8 under parallel dealt {plans}")
    ok("parallel: --shard auto/8 deals the same by PARALLEL_SEQ")

    remote, ssh = Study(machine, "/mnt/remote"), machine.path("/mnt/ssh")
    remote.add("parallel", "study.sh")
    ssh.mkdir()
    for name in ["host_key", "key"]:
        machine.run(["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", f"/mnt/ssh/{name}"])
    (ssh / "sshd_config").write_text(SSHD_CONF)
    (ssh / "config").write_text(SSH_CONF)
    machine.path("/run/sshd").mkdir(exist_ok=True)
    subprocess.run(machine.command(["/usr/sbin/sshd", "-f", "/mnt/ssh/sshd_config"]), check=True)
    started = time.monotonic()
    options = ["--sshlogin", "alpha,beta", "--joblog", "jobs.tsv"]
    one_for_each(remote.run_script("./study.sh", *options, PARALLEL_SSH="ssh -F /mnt/ssh/config"))
    remote.each_once()
    remote.reported()
    hosts = {line.split("\t")[1] for line in (remote.path / "jobs.tsv").read_text().splitlines()[1:]}
    if hosts != {"alpha", "beta"}:
        raise Failed(f"the jobs ran on {hosts}")
    ok(f"parallel: the same over ssh, on two hosts ({time.monotonic() - started:.0f} s)")
    study.label("parallel", lambda: study.run_script("./predict.sh", study.a_run()))


def check_same_runs(machine):
    """Whichever scheduler deals the experiments, the runs are the same."""
    contents = {
        study.folder: {key: tiny_study.run_contents(run) for key, run in study.each_once().items()}
        for study in machine.studies
    }
    first, *others = contents
    for other in others:
        differs = [
            f"{experiment} {name}"
            for experiment in EXPERIMENTS
            for name in contents[first][experiment].keys() | contents[other][experiment].keys()
            # What the report adds to the best run.
            if not name.startswith(("heat_maps", "photo_map"))
            if contents[first][experiment].get(name) != contents[other][experiment].get(name)
        ]
        if differs:
            raise Failed(f"{first} and {other} differ in {differs}")
    ok(f"{', '.join(contents)}: the same runs in each")


def check(arguments):
    machine = Machine(arguments.work / "layers/root")
    tiny_study.draw_photos(machine.path("/mnt/photos"))
    machine.run(["kennel", "prepare", "photos", "--out", "data", "--quiet"], "/mnt")
    checks = {
        "slurm": lambda: check_slurm(machine),
        "kubernetes": lambda: check_kubernetes(machine, arguments.work),
        "parallel": lambda: check_parallel(machine),
    }
    chosen = {name: checks[name] for name in arguments.only}
    chosen["the runs"] = lambda: check_same_runs(machine)
    failures = 0
    for name, of_scheduler in chosen.items():
        try:
            of_scheduler()
        except Failed as failed:
            failures += 1
            print(f"FAIL  {name}: {failed}", flush=True)
    return 1 if failures else 0


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kennel", required=True, type=tiny_study.program_of, help="the binary")
    parser.add_argument("--only", nargs="+", choices=SCHEDULERS, default=SCHEDULERS)
    # How it calls itself inside the namespaces.
    parser.add_argument("--stage", help=argparse.SUPPRESS)
    parser.add_argument("--work", type=pathlib.Path, help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.stage == "enter":
        enter(arguments)
    if arguments.stage == "checks":
        return check(arguments)
    if os.geteuid() != 0:
        raise SystemExit("mounting an overlay needs root")
    # The namespaces end with this process.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))
    started, work = time.monotonic(), pathlib.Path(tempfile.mkdtemp(prefix="kennel-schedulers-"))
    try:
        if "kubernetes" in arguments.only:
            validate(work)
        # The processes of the namespace end with its first one.
        namespaces = "unshare --mount --uts --ipc --pid --fork --kill-child --mount-proc".split()
        stage = [sys.executable, __file__, *sys.argv[1:], "--work", work, "--stage", "enter"]
        status = subprocess.run([*namespaces, *stage]).returncode
    except Failed as failed:
        print(f"FAIL  {failed}")
        status = 1
    finally:
        shutil.rmtree(work)
    print(f"{time.monotonic() - started:.0f} s")
    return status


if __name__ == "__main__":
    sys.exit(main())
