# SPDX-License-Identifier: Apache-2.0
"""The manual pages and the completion name every command and option, and no others."""
import re
import subprocess
import sys

armvm, source = sys.argv[1:3]
failures = []


def table():
    """{command: {option: argument or None}} as the program says."""
    commands, current = {}, None
    out = subprocess.run([armvm, 'help', '--options'], check=True, capture_output=True, text=True)
    for line in out.stdout.splitlines():
        if line.startswith('--'):
            name, arg, _ = line.split('\t')
            current[name] = None if arg == '-' else arg
        else:
            current = commands.setdefault(line, {})
    return commands


def page(name):
    try:
        with open(f'{source}/docs/man/{name}.1') as f:
            return f.read()
    except FileNotFoundError:
        failures.append(f'docs/man/{name}.1 is missing')
        return ''


def plain(roff):
    """What a reader sees of a piece of man(7) source."""
    roff = re.sub(r'^\.(B|I|BR|BI|IR|RB|RI|IB) ', '', roff, flags=re.M)
    roff = re.sub(r'\\f[BIRP]', '', roff)
    return roff.replace('\\-', '-').replace('"', '').replace("\\(aq", "'").replace('\\|', '')


def documented(roff):
    """{option: argument or None} of the paragraphs that begin with .TP and an option."""
    found = {}
    for match in re.finditer(r'^\.TP\n(.*\n)', roff, flags=re.M):
        line = plain(match.group(1)).strip()
        for part in line.split(', --'):
            part = part if part.startswith('--') else '--' + part
            words = part.split(' ', 1)
            if line.startswith('--'):
                found[words[0]] = words[1].replace(' ', '') if len(words) > 1 else None
    return found


commands = table()
for command, options in commands.items():
    name_of_page = f'armvm-{command.replace(" ", "-")}'
    there = documented(page(name_of_page))
    for name, arg in options.items():
        if name not in there:
            failures.append(f'{name_of_page}.1 lacks {name}')
        elif there[name] != arg:
            failures.append(f'{name_of_page}.1: {name} {there[name]}; the program has {arg}')
    for name in there:
        if name not in options:
            failures.append(f'{name_of_page}.1 has {name}, the program does not')
    if name_of_page not in plain(page('armvm')):
        failures.append(f'armvm.1 does not point to {name_of_page}(1)')

# The completion asks the program itself; run it the way bash would.
for line, expected in (('armvm ', {c.split()[0] for c in commands}), ('armvm image ', {'create', 'info', 'fix'}),
                       ('armvm image create --', set(commands['image create'])),
                       ('armvm image info --format ', {'text', 'json'}),
                       ('armvm check --profile ', {'rfc-v2', 'v1.0', 'v2.0'}), ('armvm run --', set(commands['run'])),
                       ('armvm run --gic ', {'2', '3'}), ('armvm ru', {'run'})):
    script = f'''
        PATH="$(dirname {armvm}):$PATH"
        . {source}/completion/armvm
        COMP_WORDS=({line.rstrip()}{' ""' if line.endswith(' ') else ''})
        COMP_CWORD=$(( ${{#COMP_WORDS[@]}} - 1 ))
        _armvm
        printf '%s\\n' "${{COMPREPLY[@]}}"'''
    out = subprocess.run(['bash', '-c', script], capture_output=True, text=True)
    got = {word.strip() for word in out.stdout.split('\n') if word.strip()}
    if not expected <= got:
        failures.append(f'completing {line!r} lacks {sorted(expected - got)} {out.stderr}')

for failure in failures:
    print('FAIL', failure)
sys.exit(bool(failures))
