#!/bin/sh
# Why: the guest has neither make nor a compiler. What the pages have made was made outside (scripts/vm.sh) and is installed
# (furnish.sh): this says so, or what is missing.
folder=.
while [ $# -gt 0 ]; do
  case $1 in
    -C) folder=$2 && shift ;;
    -C*) folder=${1#-C} ;;
  esac
  shift
done
if [ ! -d "$folder/build" ]; then
  echo "make: there is no compiler in the guest: run make -C $folder outside" >&2
  exit 2
fi
echo "make: $folder was made outside"
