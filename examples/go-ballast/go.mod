module example.org/ballast

go 1.19
