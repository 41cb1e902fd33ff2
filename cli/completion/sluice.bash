# bash completion for sluice
