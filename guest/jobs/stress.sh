# SPDX-License-Identifier: Apache-2.0
# stress-ng with verification, each class for some seconds (all together ten minutes by default).
cd /tmp || exit 1
cpus=$(nproc)
seconds=${SECONDS_EACH:-50}
for class in cpu matrix vecmath memrate vm fork switch futex signal atomic timer memcpy sigq; do
    case $class in
    vm) extra="--vm-bytes 64M" ;;
    memrate) extra="--memrate-bytes 32M" ;;
    *) extra= ;;
    esac
    stress-ng --verify --metrics-brief --$class "$cpus" $extra --timeout "${seconds}s" || exit 1
done
