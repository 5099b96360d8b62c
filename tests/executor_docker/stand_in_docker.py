"""What stands in for the command `docker` in tests: it takes the same words, and answers as docker does.

A container is a real process, on the cluster of `redun.testing.remote_cluster`, that sees this machine's files. Volumes
must be there, and nothing else is made of them. It has the variables that it was given, and its own working folder.

The environment variable STAND_IN names a folder with the file `socket`, which says where the cluster is; the containers
and the calls are written there. A file `down` in it means that the service cannot be reached.

Images are called after what happens with them: `missing`, `bare` (without programs), `too-small` (out of memory).
Any other is fine.
"""

import fcntl
import json
import os
import socket
import sys
import time

HOME = os.environ["STAND_IN"]
CONTAINERS = f"{HOME}/containers"
WITH_VALUE = ("--name", "--label", "-e", "--mount", "--gpus", "--device")


class Refused(Exception):
    def __init__(self, text, code=125):
        super().__init__(text)
        self.code = code


def ask(request, **fields):
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(60)
        connection.connect(text_of(f"{HOME}/socket"))
        connection.sendall(json.dumps({"request": request, **fields}).encode() + b"\n")
        with connection.makefile("rb") as stream:
            return json.loads(stream.readline())["answer"]


def text_of(path):
    with open(path) as stream:
        return stream.read()


def now():
    return time.strftime("%Y-%m-%dT%H:%M:%S.123456789Z", time.gmtime())


def parse_run(words):
    given = {"flags": [], "label": {}, "e": [], "mount": [], "name": ""}
    words = list(words)
    while words and words[0].startswith("-"):
        word = words.pop(0)
        if word not in WITH_VALUE:
            given["flags"].append(word)
            continue
        value = words.pop(0)
        key = word.lstrip("-")
        if key == "label":
            given["label"].update([value.split("=", 1)])
        elif key in ("e", "mount"):
            given[key].append(value)
        else:
            given[key] = value
    return given, words[0], words[1:]


def run(words):
    given, image, command = parse_run(words)
    if image == "missing":
        raise Refused(
            "Unable to find image 'missing:latest' locally\ndocker: Error response from daemon: pull access denied for "
            "missing, repository does not exist or may require 'docker login'.\n\nRun 'docker run --help' for more"
        )
    for mount in given["mount"]:
        source = mount.split("source=")[1].split(",")[0]
        if not os.path.exists(source):
            raise Refused(
                'docker: Error response from daemon: invalid mount config for type "bind": bind source path does not '
                f"exist: {source}"
            )
    folder = f"{CONTAINERS}/{given['name']}"
    os.makedirs(f"{folder}/work")
    facts = {
        "labels": given["label"],
        "created": now(),
        "finished": None,
        "exit_code": None,
        "oom": image == "too-small",
    }
    write(folder, facts)  # docker leaves it behind, too, when it cannot be started
    if image == "bare":
        raise Refused(
            f'docker: OCI runtime create failed: exec: "{command[0]}": executable file not found in $PATH', 127
        )
    if image == "too-small":
        command = ["sh", "-c", "echo more and more; kill -9 $$"]
    environment = {name: os.environ[name] for name in ("PATH", "HOME", *given["e"]) if name in os.environ}
    if "-d" not in given["flags"]:
        import subprocess

        facts["running"] = True
        write(folder, facts)
        code = subprocess.run(command, cwd=f"{folder}/work", env=environment).returncode
        write(folder, {**facts, "running": False, "exit_code": code, "finished": now()})
        return code
    facts["job"] = ask(
        "submit", name=given["name"], command=command, size=0, environment=environment, folder=f"{folder}/work"
    )
    write(folder, facts)
    print(given["name"])
    return 0


def write(folder, facts):
    with open(f"{folder}/facts.part", "w") as stream:
        stream.write(json.dumps(facts))
    os.rename(f"{folder}/facts.part", f"{folder}/facts")


def read(name):
    try:
        return json.loads(text_of(f"{CONTAINERS}/{name}/facts"))
    except FileNotFoundError:
        return None


def inspect(words):
    found = {name: read(name) for name in words[4:]}
    jobs = ask("describe", ids=[facts["job"] for facts in found.values() if facts and "job" in facts])
    for name, facts in found.items():
        if facts is None:
            print(f"Error: No such container: {name}", file=sys.stderr)
            continue
        state, _, code = jobs.get(facts.get("job"), ("created", "", None))
        status = {"waiting": "running", "succeeded": "exited", "failed": "exited"}.get(state, state)
        if facts["exit_code"] is not None:
            status, code = "exited", facts["exit_code"]
        elif facts.get("running"):
            status = "running"
        told = {"Status": status, "ExitCode": code or 0, "OOMKilled": status == "exited" and facts["oom"], "Error": ""}
        told["FinishedAt"] = facts["finished"] or "0001-01-01T00:00:00Z"
        print(json.dumps({"name": f"/{name}", "state": told, "created": facts["created"], "labels": facts["labels"]}))
    return 1 if None in found.values() else 0


def ps(words):
    if "--filter" not in words:
        return 0
    key, _, value = words[words.index("--filter") + 1].removeprefix("label=").partition("=")
    for name in os.listdir(CONTAINERS):
        facts = read(name)
        if facts and facts["labels"].get(key) == value:
            print(name)
    return 0


def rm(words):
    import shutil  # it takes its time

    names = [word for word in words if not word.startswith("-")]
    found = {name: read(name) for name in names}
    ask("cancel", ids=[facts["job"] for facts in found.values() if facts and "job" in facts])
    for name, facts in found.items():
        if facts is None:
            print(f"Error response from daemon: No such container: {name}", file=sys.stderr)
        shutil.rmtree(f"{CONTAINERS}/{name}", ignore_errors=True)
    return 1 if None in found.values() else 0


def logs(words):
    facts = read(words[-1])
    lines = ask("log", remote_id=facts["job"])[-int(words[1]) :] if facts and "job" in facts else []
    print("\n".join(lines))
    return 0


def main(words):
    with open(f"{HOME}/calls", "a") as calls:
        fcntl.flock(calls, fcntl.LOCK_EX)
        calls.write(json.dumps(words) + "\n")
    if words[0] == "--version":
        print("Docker version 99.0.0, build standin")
        return 0
    if os.path.exists(f"{HOME}/down"):
        raise Refused("Cannot connect to the Docker daemon at unix:///nowhere. Is the docker daemon running?", 1)
    return {"run": run, "inspect": inspect, "ps": ps, "rm": rm, "logs": logs}[words[0]](words[1:])


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except Refused as problem:
        print(problem, file=sys.stderr)
        sys.exit(problem.code)
